"""DSH: deep supervised hashing (Liu, Wang, Shan, Chen, CVPR 2016).

https://openaccess.thecvf.com/content_cvpr_2016/html/Liu_Deep_Supervised_Hashing_CVPR_2016_paper.html

Idea: a contrastive loss on the relaxed codes themselves: similar pairs come together, dissimilar
pairs leave a ball of radius^2 m = 2 K. A penalty pulls each output to +1 or -1, which takes the
place of a saturating activation.

    paper    here          shape
    b_i      relaxed       (b, K)
    1 - y    similarity    (b, b)   1 where a pair shares a label
    m        margin                 of the squared distance
    alpha    config.alpha

Deviations: terms are means over pairs and bits, in the paper's ratio to each other.

Limit: a label that most images carry draws them all together, since one shared label is enough to
be similar. On COCO validation images (32 bits) mAP over the labels other than `person` is 28 where
`person` is a training label, and 62 where it is not.
"""

from __future__ import annotations

import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from models.deep import Batch, DeepConfig, DeepHashMethod
from models.method import MethodCard, Reported
from models.similarity import shares_label
from models.training import LossTerms


class DSHConfig(DeepConfig):
    """Hyper-parameters of DSH."""

    alpha: float = Field(0.01, ge=0, le=100, description="Weight of the quantization term.")
    margin: float = Field(
        2.0, gt=0, le=4, description="Squared distance that parts dissimilar pairs, over K (m / K)."
    )


def dsh_loss(relaxed: Tensor, similarity: Tensor, margin: float, alpha: float) -> LossTerms:
    """The paper's relaxed objective, divided by K: contrastive loss of all pairs, quantization.

    Args:
        relaxed: (b, K) relaxed codes.
        similarity: (b, b) 1 where a pair shares a label, else 0.
        margin: squared distance beyond which a dissimilar pair costs nothing, divided by K.
        alpha: weight of | |u| - 1 |, of which every pair has two.
    """
    squares = relaxed.square().sum(1)
    distances = squares[:, None] + squares[None, :] - 2 * relaxed @ relaxed.T  # squared, (b, b)
    distances = distances / relaxed.shape[1]
    pairwise = similarity * distances + (1 - similarity) * F.relu(margin - distances)
    return {
        "pairwise": pairwise.mean() / 2,
        "quantization": 2 * alpha * (relaxed.abs() - 1).abs().mean(),
    }


class DSH(DeepHashMethod):
    """Deep supervised hashing."""

    card = MethodCard(
        name="dsh",
        title="DSH",
        summary="A contrastive loss on relaxed codes with a penalty towards +1 and -1.",
        authors="H. Liu, R. Wang, S. Shan, X. Chen",
        venue="CVPR",
        year=2016,
        paper="https://openaccess.thecvf.com/content_cvpr_2016/html/Liu_Deep_Supervised_Hashing_CVPR_2016_paper.html",
        supervision="supervised",
        label_kinds=("single", "multi"),
        fidelity="paper",
        deviations=(
            "All pairs within the batch; terms are means over pairs and bits.",
            "A head on frozen features instead of the whole network.",
        ),
        reported=(
            Reported(
                dataset="CIFAR-10 (cifar10-50k-full, a small CNN)",
                bits=48,
                metric="mAP@all",
                value=0.676,
                source="the paper",
                provenance="paper",
            ),
        ),
    )
    Config = DSHConfig
    config: DSHConfig

    def activation(self, outputs: Tensor) -> Tensor:
        """The code layer itself: the penalty does the work of a saturating activation."""
        return outputs

    def loss(self, batch: Batch) -> LossTerms:
        """`dsh_loss` on the batch's pairs."""
        labels, config = batch.known_labels, self.config
        return dsh_loss(batch.relaxed[0], shares_label(labels, labels), config.margin, config.alpha)


METHOD = DSH
