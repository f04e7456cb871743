"""ITQ: iterative quantization (Gong and Lazebnik, CVPR 2011; Gong et al., TPAMI 2013).

Idea: rotate the principal components so that they lie close to the corners of the hypercube:
min ||B - V R||^2 over codes B and rotations R, by turns.

    paper   here                    shape
    V       components              (n, K)   centred features on the principal axes
    R       rotation                (K, K)
    B       codes                   (n, K)   in {-1, +1}

The alternation itself is `rotate_to_codes` in models/linear.py, where other methods start from it.
"""

from __future__ import annotations

import time

import torch
from pydantic import Field
from torch import Tensor

from models.linear import LinearHashMethod, itq_projection
from models.method import EpochLog, MethodCard, MethodConfig, OnEpoch, Reported


class ITQConfig(MethodConfig):
    """Hyper-parameters of ITQ."""

    iterations: int = Field(
        50, ge=0, le=1000, description="Rounds of codes and rotation; 0 rotates at random."
    )


class ITQ(LinearHashMethod):
    """Principal components, rotated to lose least when binarized."""

    card = MethodCard(
        name="itq",
        title="ITQ",
        summary="Principal components, rotated so that the sign loses least.",
        authors="Y. Gong, S. Lazebnik, A. Gordo, F. Perronnin",
        venue="TPAMI",
        year=2013,
        paper="https://doi.org/10.1109/TPAMI.2012.193",
        supervision="unsupervised",
        fidelity="paper",
        reported=(
            Reported(
                dataset="ImageNet100 (imagenet100, AlexNet)",
                bits=64,
                metric="mAP@1000",
                value=0.402,
                source="CISiPLab/cisip-FIRe, uniform re-run",
                provenance="re-run",
            ),
        ),
    )
    Config = ITQConfig
    config: ITQConfig

    def projection(self, centred: Tensor, generator: torch.Generator, on_epoch: OnEpoch) -> Tensor:
        """Principal axes times the learned rotation, (d, bits)."""
        started = time.perf_counter()

        def log(iteration: int, loss: float) -> None:
            seconds = time.perf_counter() - started
            on_epoch(EpochLog(iteration, self.config.iterations, {"quantization": loss}, seconds))

        return itq_projection(centred, self.bits, self.config.iterations, generator, log)


METHOD = ITQ
