"""The options that commands about runs share: fields of a spec, as `RunSpec` describes them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from pydantic import BaseModel, Field

from pipeline.cli.console import current_settings
from pipeline.datasets.dataset import load_dataset
from pipeline.evaluation.relevance import OF_QUERIES
from pipeline.runs.spec import RunSpec

if TYPE_CHECKING:
    from pipeline.features import FeatureCache
    from pipeline.runs.ground_truth import GroundTruth

RelevanceOption = Annotated[
    str,
    typer.Option(
        help=f"What is relevant to a query: {', '.join(OF_QUERIES)}. "
        "Default: labels where these tell images apart, else neighbours@10."
    ),
]
SeedsOption = Annotated[int, typer.Option(min=1, max=20, help="Method seeds.")]


def _like(name: str, *, default: Any = None, description: str = "") -> Any:
    """A field of a spec; its bounds are checked when the spec is made."""
    known = RunSpec.model_fields[name]
    return Field(
        known.default if default is None else default,
        description=description or known.description,
        json_schema_extra=known.json_schema_extra,
    )


class DataOptions(BaseModel):
    """Options of the data that runs are made and measured on."""

    dataset: str = _like("dataset", default="openmoji")
    backbone: str = _like("backbone")
    label_set: str = _like("label_set")
    protocol: str = _like(
        "protocol", default="", description="Evaluation protocol; empty for the data set's own."
    )
    split_seed: int = _like("split_seed")

    def conditions(self) -> dict[str, Any]:
        """The fields of specs, with the data set's own labels and protocol where none are named.

        Raises:
            DatasetError: there is no such data set.
        """
        dataset = load_dataset(self.dataset, current_settings())
        default = dataset.label_set().name if dataset.info.label_sets else ""
        return {
            **self.model_dump(include=set(DataOptions.model_fields)),
            "label_set": self.label_set or default,
            "protocol": self.protocol or dataset.info.default_protocol,
        }


def features_and_truth(options: DataOptions, relevance: str) -> tuple[GroundTruth, FeatureCache]:
    """What features are measured against, with the default relevance where none is named.

    Raises:
        DatasetError: there is no such data set.
        RelevanceError: the relevance tells nothing on these images.
    """
    from pipeline.backbones import load_backbone
    from pipeline.features import FeatureCache
    from pipeline.runs.ground_truth import GroundTruth
    from pipeline.runs.measurement import chosen_relevance

    settings = current_settings()
    spec = RunSpec.model_validate(options.conditions() | {"method": "lsh"})  # any: none is trained
    truth = GroundTruth(spec, load_dataset(spec.dataset, settings), settings)
    split = truth.split
    chosen = chosen_relevance(
        truth.dataset, truth.label_set, relevance, split.query, split.database
    )
    cache = FeatureCache(load_backbone(spec.backbone, settings), settings)
    return GroundTruth(spec, truth.dataset, settings, chosen), cache


class LearningOptions(DataOptions):
    """Options of the data set, and of how every epoch is measured and the backbone learns."""

    validation: float = _like("validation")
    max_train: int = _like("max_train")
    finetune: tuple[str, ...] = _like("finetune", default=())

    def learning(self) -> dict[str, Any]:
        """The fields of specs that were asked for beyond the defaults."""
        fields: dict[str, Any] = {"validation": self.validation} if self.validation else {}
        fields["max_train"] = self.max_train
        return fields | ({"finetune": parsed_settings(self.finetune)} if self.finetune else {})


class MethodOptions(DataOptions):
    """Options of data set and learning, and the settings of one method."""

    bits: int = _like("bits")
    config: tuple[str, ...] = _like("config", default=())

    def asked_of(self, method: str, **more: Any) -> RunSpec:
        """The spec of a method with these settings.

        Args:
            method: name of the method.
            more: further fields of the spec.

        Raises:
            ValueError: it cannot be asked for.
        """
        fields = {"method": method, "bits": self.bits, "config": parsed_settings(self.config)}
        return RunSpec.model_validate(self.conditions() | fields | more)


class SpecOptions(MethodOptions, LearningOptions):
    """Options of one whole spec."""

    method: str = _like("method", default="ud2h")
    seed: int = _like("seed")
    spec: Path | None = Field(None, description="A spec.json to repeat; nothing else.")

    def asked(self) -> RunSpec:
        """The spec that the options describe.

        Raises:
            ValueError: it cannot be asked for, or the file cannot be read.
        """
        if self.spec is None:
            return self.asked_of(self.method, seed=self.seed, **self.learning())
        try:
            text = self.spec.read_text("utf-8")
        except OSError as error:
            raise ValueError(f"{self.spec} cannot be read: {error.strerror}") from error
        return RunSpec.model_validate(
            RunSpec.model_validate_json(text).model_dump() | self.learning()
        )


def parsed_settings(pairs: Sequence[str]) -> dict[str, Any]:
    """Settings from `key=value` words; a value that is JSON is read as such.

    Raises:
        ValueError: a word without an equals sign.
    """
    config: dict[str, Any] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals:
            raise ValueError(f"--set takes key=value, got {pair!r}")
        try:
            config[key] = json.loads(value)
        except json.JSONDecodeError:
            config[key] = value  # a plain word
    return config
