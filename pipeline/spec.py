"""RunSpec: exactly what was asked for; equal specs have equal digests."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from models.backbones import check_backbone
from models.deep import DeepHashMethod
from models.finetuning import FineTuning
from models.method import MethodConfig
from models.registry import get_method, unknown
from pipeline.datasets.base import NAME_PATTERN
from pipeline.protocols import PROTOCOLS, Protocol


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

    @property
    def digest(self) -> str:
        """SHA-256 of the spec's JSON; equal specs have equal digests.

        What is not asked for is left out, so that specs of earlier versions keep theirs.
        """
        unset = {name for name in ("validation", "finetune") if not getattr(self, name)}
        return hashlib.sha256(self.model_dump_json(exclude=unset).encode()).hexdigest()

    @property
    def label(self) -> str:
        """Short name for people, for example `ITQ · 32 bits`."""
        tuned = " · fine-tuned" if self.finetune else ""
        return f"{get_method(self.method).card.title} · {self.bits} bits{tuned}"


@lru_cache(maxsize=2000)  # a leaderboard reads the same hundred again with every page
def read_spec(text: str) -> RunSpec:
    """The spec that a run's spec.json says.

    Raises:
        ValueError: it is no spec, or names what does not exist.
    """
    return RunSpec.model_validate_json(text)
