"""RunSpec: exactly what was asked for; equal specs have equal digests.

What is asked for now is validated strictly. What was asked for earlier is read as it is, whatever
has become of settings, bounds and methods since: its results are still worth showing. Validating
takes the method itself, and torch with it, so a `StoredSpec` can be listed without.
"""

from __future__ import annotations

import hashlib
import json
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError, model_validator
from pydantic_core import to_json

from models.backbones.registry import check_backbone, has_network, pinned
from models.finetuning_config import FineTuning
from models.registry import get_method, list_methods
from models.wording import unknown
from pipeline.datasets.dataset import NAME_PATTERN
from pipeline.datasets.protocols import PROTOCOLS, Protocol
from pipeline.options import OPTION
from pipeline.wording import sentence

if TYPE_CHECKING:
    from models.method import HashMethod, MethodCard, MethodConfig

_BITS, _BACKBONE, _PROTOCOL = 32, "efficientnet_lite0", "holdout"
_DIGESTED = (  # in this order, in which the first version had them
    *("dataset", "method", "bits", "config", "backbone", "label_set", "protocol"),
    *("seed", "split_seed", "validation", "finetune", "max_train"),
)
MAX_TRAIN = 100_000  # as features of the usual width they take half a gigabyte


class Conditions(BaseModel):
    """Conditions that the runs of a comparison share: data, features, split, backbone."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset: str = Field(pattern=f"^{NAME_PATTERN}$", description="An imported data set.")
    backbone: str = Field(_BACKBONE, description="Feature network.")
    label_set: str = Field(
        "", description="Label set; empty for the first.", json_schema_extra={OPTION: "--labels"}
    )
    protocol: str = Field(_PROTOCOL, description="Evaluation protocol.")
    split_seed: int = Field(0, ge=0, description="Seed of the split.")
    validation: float = Field(
        0.0,
        ge=0,
        le=0.5,
        description="Share of the training set kept to measure every epoch; 0: none.",
    )
    max_train: int = Field(
        MAX_TRAIN,
        ge=0,
        description="Most training images, drawn by class from more; 0: all.",
    )
    finetune: FineTuning | None = Field(
        None,
        description="Let the backbone learn: stages=3, augment=true ...; repeatable.",
        json_schema_extra={OPTION: "--tune"},
    )

    def conditions(self) -> dict[str, Any]:
        """Take these fields alone, for another model that has them."""
        return self.model_dump(include=set(Conditions.model_fields))


class RunSpec(Conditions):
    """One experiment: data, features, method, code length, protocol and seeds.

    Unknown names and hyper-parameters are refused when it is made. `config` is stored in full, with
    the defaults filled in, so that a changed default does not change an old spec.
    """

    method: str = Field(description="A hash method; see: methods list.")
    bits: int = Field(_BITS, ge=1, le=256, description="Code length, 1 to 256.")
    config: dict[str, Any] = Field(
        default_factory=dict,
        description="A hyper-parameter as key=value; repeatable.",
        json_schema_extra={OPTION: "--set"},
    )
    seed: int = Field(0, ge=0, description="Seed of the method.")
    _unknown: dict[str, Any] = PrivateAttr(default_factory=dict)  # stored, without a field by now

    @model_validator(mode="after")
    def _complete(self) -> Self:
        """Check the names and fill in the method's defaults."""
        if self.protocol not in PROTOCOLS:
            raise ValueError(unknown("protocol", self.protocol, tuple(PROTOCOLS)))
        check_backbone(self.backbone)
        object.__setattr__(self, "backbone", pinned(self.backbone))
        method = get_method(self.method)
        if self.finetune is not None and not _is_deep(method):
            raise ValueError(
                f"{method.card.title} has no gradient to fine-tune a backbone with; leave it frozen"
            )
        if not has_network(self.backbone):
            _check_without_network(self, method.card)
        known = tuple(method.Config.model_fields)
        for key in self.config:
            if key not in known:
                raise ValueError(unknown(f"hyper-parameter of {self.method}", key, known))
        full = method.Config.model_validate(self.config)
        object.__setattr__(self, "config", full.model_dump(mode="json"))
        return self

    def method_config(self) -> MethodConfig:
        """The hyper-parameters as the method's own config class."""
        return get_method(self.method).Config.model_validate(self.config)

    def evaluation_protocol(self) -> Protocol:
        """The protocol by its name."""
        return PROTOCOLS[self.protocol]

    def problem(self) -> str:
        """Why a stored spec could not be asked for now, in a sentence; empty where it could be."""
        try:
            RunSpec.model_validate(self.model_dump() | self._unknown)
        except ValueError as error:
            return sentence(error)
        return ""

    @property
    def digest(self) -> str:
        """SHA-256 of the spec's JSON; equal specs have equal digests.

        What is not asked for is left out, and settings at what was done before they existed, so
        that specs of earlier versions keep theirs.
        """
        dumped = self.model_dump(mode="json")
        absent = get_method(self.method).Config.ABSENT if self.has_method else {}
        config = dumped["config"].items()
        dumped["config"] = {name: v for name, v in config if (name, v) not in absent.items()}
        is_left_out = {name for name in ("validation", "finetune") if not getattr(self, name)}
        is_left_out |= {"max_train"} if self.max_train == MAX_TRAIN else set()
        ordered = {name: dumped[name] for name in _DIGESTED if name not in is_left_out}
        text = to_json(ordered).decode()
        text += json.dumps(self._unknown, sort_keys=True) if self._unknown else ""
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def has_method(self) -> bool:
        """Whether its method still exists; a stored spec may be older than its removal."""
        return self.method in list_methods()

    @property
    def changed(self) -> dict[str, Any]:
        """The hyper-parameters that are not the method's defaults; empty without the method."""
        if not self.has_method:
            return {}
        config = get_method(self.method).Config
        usual = config.FORMER | config().model_dump(mode="json")
        return {
            name: value
            for name, value in self.config.items()
            if name not in usual or usual[name] != value
        }

    @property
    def title(self) -> str:
        """The method's name for people; its bare name where there is no such method any more."""
        return get_method(self.method).card.title if self.has_method else self.method

    @property
    def label(self) -> str:
        """Short name for people, for example `ITQ · 32 bits`."""
        return f"{self.title} · {self.bits} bits{' · fine-tuned' if self.finetune else ''}"


class StoredSpec(BaseModel):
    """Spec as spec.json has it: no bounds, and whatever fields another version gave it."""

    model_config = ConfigDict(frozen=True, extra="allow")

    dataset: str = Field(pattern=f"^{NAME_PATTERN}$")  # part of paths
    method: str
    bits: int = Field(_BITS, ge=1)
    config: dict[str, Any] = {}
    backbone: str = _BACKBONE
    label_set: str = ""
    protocol: str = _PROTOCOL
    seed: int = 0
    split_seed: int = 0
    validation: float = 0.0
    max_train: int = MAX_TRAIN
    finetune: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _has_protocol(self) -> Self:
        """Refuse a protocol that does not exist any more: its results would mean nothing."""
        if self.protocol not in PROTOCOLS:
            raise ValueError(unknown("protocol", self.protocol, tuple(PROTOCOLS)))
        return self

    @cached_property
    def spec(self) -> RunSpec:
        """The spec, completed where it could still be asked for; else as it is stored.

        A setting that its version did not have gets the value of what that version did, not
        today's default: the run must not be taken for one of today.
        """
        fields = self.model_dump()
        if self.config and self.method in list_methods():
            fields["config"] = get_method(self.method).Config.ABSENT | self.config
        try:
            return RunSpec.model_validate(fields)
        except ValidationError:
            return self._as_it_is()

    def _as_it_is(self) -> RunSpec:
        fields = self.model_dump(include=set(StoredSpec.model_fields))
        left = dict(self.model_extra or {})
        if self.finetune is not None:
            known = {key: v for key, v in self.finetune.items() if key in FineTuning.model_fields}
            fields["finetune"] = FineTuning.model_construct(**known)
            if len(known) < len(self.finetune):
                left["finetune"] = self.finetune
        spec = RunSpec.model_construct(**fields)
        spec._unknown = left
        return spec


def _check_without_network(spec: RunSpec, card: MethodCard) -> None:
    """Refuse what needs images to pass a network where features are only stored.

    Raises:
        ValueError: the spec asks for that.
    """
    if spec.finetune is not None:
        raise ValueError(f"{spec.backbone} are vectors without a network to fine-tune")
    if card.views > 1:
        raise ValueError(
            f"{card.title} trains on augmented images, and {spec.backbone} are vectors of plain "
            "ones; choose a method that needs no augmented views"
        )


def _is_deep(method: type[HashMethod]) -> bool:
    from models.deep import DeepHashMethod  # torch comes with it

    return issubclass(method, DeepHashMethod)
