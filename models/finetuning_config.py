"""FineTuning: the settings of a backbone that learns. They need no torch, as specs do not."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class FineTuning(BaseModel):
    """How the backbone learns."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    stages: int = Field(3, ge=0, le=1000, description="Last stages that learn; 0: all of them.")
    learning_rate: float = Field(
        1e-4, gt=0, le=1, description="Step size of the backbone at the start."
    )
    augment: bool = Field(
        True, description="Crop, flip, colour and blur, new ones every epoch, instead of plain."
    )
    accumulate: int = Field(
        1, ge=1, le=256, description="Mini-batches whose gradients make one step."
    )
    mixed_precision: bool = Field(True, description="bfloat16 in the backbone, on CUDA only.")
