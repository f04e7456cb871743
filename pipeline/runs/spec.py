"""RunSpec: exactly what was asked for; equal specs have equal digests.

What is asked for now is validated strictly. What was asked for earlier is read as it is, whatever
has become of settings, bounds and methods since: its results are still worth showing.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError, model_validator

from models.backbones.registry import check_backbone
from models.deep import DeepHashMethod
from models.finetuning import FineTuning
from models.method import MethodConfig
from models.registry import get_method, list_methods, unknown
from pipeline.datasets.dataset import NAME_PATTERN
from pipeline.datasets.protocols import PROTOCOLS, Protocol
from pipeline.wording import sentence


class RunSpec(BaseModel):
    """One experiment: data, features, method, code length, protocol and seeds.

    Unknown names and hyper-parameters are refused when it is made. `config` is stored in full, with
    the defaults filled in, so that a changed default does not change an old spec.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset: str = Field(pattern=f"^{NAME_PATTERN}$")
    method: str
    bits: int = Field(32, ge=1, le=256, description="Code length K.")
    config: dict[str, Any] = Field(default_factory=dict, description="Hyper-parameters.")
    backbone: str = "efficientnet_lite0"
    label_set: str = Field("", description="Labels used; empty for the data set's first.")
    protocol: str = "holdout"
    seed: int = Field(0, ge=0, description="Of the method.")
    split_seed: int = Field(0, ge=0, description="Of the split.")
    validation: float = Field(
        0.0, ge=0, le=0.5, description="Share of the training set kept to measure every epoch."
    )
    finetune: FineTuning | None = Field(None, description="How the backbone learns; None: frozen.")
    _unknown: dict[str, Any] = PrivateAttr(default_factory=dict)  # stored, without a field by now

    @model_validator(mode="after")
    def _complete(self) -> Self:
        """Check the names and fill in the method's defaults."""
        if self.protocol not in PROTOCOLS:
            raise ValueError(unknown("protocol", self.protocol, tuple(PROTOCOLS)))
        check_backbone(self.backbone)
        if self.finetune is not None and not issubclass(get_method(self.method), DeepHashMethod):
            title = get_method(self.method).card.title
            raise ValueError(
                f"{title} has no gradient to fine-tune a backbone with; leave it frozen"
            )
        known = tuple(get_method(self.method).Config.model_fields)
        for key in self.config:
            if key not in known:
                raise ValueError(unknown(f"hyper-parameter of {self.method}", key, known))
        full = get_method(self.method).Config.model_validate(self.config)
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

        What is not asked for is left out, so that specs of earlier versions keep theirs.
        """
        unset = {name for name in ("validation", "finetune") if not getattr(self, name)}
        text = self.model_dump_json(exclude=unset)
        text += json.dumps(self._unknown, sort_keys=True) if self._unknown else ""
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def has_method(self) -> bool:
        """Whether its method still exists; a stored spec may be older than its removal."""
        return self.method in list_methods()

    @property
    def title(self) -> str:
        """The method's name for people; its bare name where there is no such method any more."""
        return get_method(self.method).card.title if self.has_method else self.method

    @property
    def label(self) -> str:
        """Short name for people, for example `ITQ · 32 bits`."""
        return f"{self.title} · {self.bits} bits{' · fine-tuned' if self.finetune else ''}"


class _StoredSpec(BaseModel):
    """A spec without bounds, and with whatever fields another version gave it."""

    model_config = ConfigDict(extra="allow")

    dataset: str = Field(pattern=f"^{NAME_PATTERN}$")  # part of paths
    method: str
    bits: int = Field(ge=1)
    config: dict[str, Any] = {}
    backbone: str
    label_set: str = ""
    protocol: str
    seed: int = 0
    split_seed: int = 0
    validation: float = 0.0
    finetune: dict[str, Any] | None = None


def read_spec(text: str) -> RunSpec:
    """The spec that a run's spec.json says; settings and bounds may have changed since.

    Raises:
        ValueError: it is no spec, or its protocol does not exist any more.
    """
    try:
        return RunSpec.model_validate_json(text)
    except ValidationError:
        stored = _StoredSpec.model_validate_json(text)
    if stored.protocol not in PROTOCOLS:
        raise ValueError(unknown("protocol", stored.protocol, tuple(PROTOCOLS)))
    fields = stored.model_dump(include=set(_StoredSpec.model_fields))
    left = dict(stored.model_extra or {})
    if stored.finetune is not None:
        known = {key: v for key, v in stored.finetune.items() if key in FineTuning.model_fields}
        fields["finetune"] = FineTuning.model_construct(**known)
        if len(known) < len(stored.finetune):
            left["finetune"] = stored.finetune
    spec = RunSpec.model_construct(**fields)
    spec._unknown = left
    return spec
