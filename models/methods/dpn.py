"""DPN: deep polarized network (Fan, Ng, Ju, Zhang, Chan, IJCAI 2020, https://www.ijcai.org/proceedings/2020/115).

Idea: every class has a target code; a hinge on each bit pushes the output away from zero, to the
target's side, by a margin. It bounds the Hamming distance to the target from above.

    paper    here      shape
    t_c      goals     (b, K)   target of image i in {-1, +1}
    v_i      relaxed   (b, K)   not bounded
    m        margin

Deviations: targets are far apart instead of random; with several labels, their bitwise majority as
in CSQ; the ternary variant is left out.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from models.centres import hash_centres, majority_centres
from models.deep import Batch, DeepConfig, DeepHashMethod, passes
from models.method import MethodCard, Reported, TrainingSet
from models.training import LossTerms


class DPNConfig(DeepConfig):
    """Hyper-parameters of DPN."""

    epochs: int = passes(30)
    margin: float = Field(1.0, gt=0, le=10, description="Distance from zero that is asked for (m).")


def dpn_loss(relaxed: Tensor, goals: Tensor, margin: float) -> LossTerms:
    """Bitwise polarization hinge, the mean over bits.

    Args:
        relaxed: (b, K).
        goals: (b, K) in {-1, +1}.
        margin: point where the hinge ends.
    """
    return {"polarization": F.relu(margin - relaxed * goals).mean()}


class DPN(DeepHashMethod):
    """Deep polarized network."""

    card = MethodCard(
        name="dpn",
        title="DPN",
        summary="A hinge on every bit pushes outputs to the side of their class's target code.",
        authors="L. Fan, K. W. Ng, C. Ju, T. Zhang, C. S. Chan",
        venue="IJCAI",
        year=2020,
        paper="https://www.ijcai.org/proceedings/2020/115",
        supervision="supervised",
        label_kinds=("single", "multi"),
        fidelity="paper",
        deviations=(
            "Targets are far apart instead of random; several labels share a bitwise majority.",
            "The ternary variant is left out.",
            "A head on frozen features instead of the whole network.",
        ),
        reported=(
            Reported(
                dataset="ImageNet100 (imagenet100, AlexNet)",
                bits=64,
                metric="mAP@1000",
                value=0.692,
                source="CISiPLab/cisip-FIRe, uniform re-run",
                provenance="re-run",
            ),
        ),
    )
    Config = DPNConfig
    config: DPNConfig

    def activation(self, outputs: Tensor) -> Tensor:
        """The code layer itself: the hinge needs room beyond the margin."""
        return outputs

    def on_fit_start(self, train: TrainingSet) -> None:
        """Choose targets and give every training image its goal."""
        assert train.labels is not None  # checked by the base class
        generator = torch.Generator().manual_seed(self.seed)
        targets = hash_centres(train.labels.shape[1], self.bits, generator)
        ties = torch.randint(0, 2, (self.bits,), generator=generator).float() * 2 - 1
        self._goals = majority_centres(train.labels, targets, ties)

    def loss(self, batch: Batch) -> LossTerms:
        """`dpn_loss` of the batch."""
        return dpn_loss(batch.relaxed[0], self._goals[batch.rows], self.config.margin)


METHOD = DPN
