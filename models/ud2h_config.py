"""Settings of UD2H."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from models.kinds_and_things import Find
from models.method import MethodConfig


class UD2HConfig(MethodConfig):
    """Hyper-parameters of UD2H; the defaults need no knowledge of the number of concepts."""

    FORMER: ClassVar[dict[str, int]] = {"neighbour_bits": 0}
    ABSENT: ClassVar[dict[str, float]] = {"lambda_n": 0.0, "sharpness": 6.0}

    similarity: Literal["soft", "hard"] = Field(
        "soft", description="Target: spectral and graded, or +1 and -rho from clusters and graph."
    )
    globality: bool = Field(True, description="Use the cluster structure of the whole set.")
    locality: bool = Field(True, description="Use the neighbourhood graph.")
    asymmetric: bool = Field(
        True, description="Learn free codes of all images; off: pairs within the batch."
    )
    neighbours: int = Field(
        0, ge=0, le=200, description="Neighbours k in the graph; 0: the fewest that are stable."
    )
    eigenvectors: int = Field(
        256, ge=2, le=1024, description="Leading eigenvectors of the graph that are used."
    )
    power: float = Field(
        4.0, ge=0, le=64, description="Weight lambda^power of an eigenvector: higher is coarser."
    )
    find: Find = Field(
        "same kind",
        description="What a search should find: the nearer to things, the sharper and heavier the "
        "neighbourhood loss.",
    )
    beta: float = Field(
        0.0, ge=0, le=1, description="Share of the feature cosine in the target; 0: graph only."
    )
    scale: float = Field(
        3.0, gt=0, le=20, description="Factor on the soft target: higher parts groups further."
    )
    clusters: int = Field(
        0, ge=0, le=1000, description="Clusters M; 0: from the largest gap of the eigenvalues."
    )
    lambda_c: float = Field(0.01, ge=0, le=10, description="Weight of the clustering loss.")
    lambda_n: float = Field(
        0.1,
        ge=0,
        le=10,
        description="Weight of the neighbourhood loss, which `find` multiplies.",
    )
    sharpness: float = Field(
        0.0,
        ge=0,
        le=100,
        description="Sharpness of the neighbourhood loss, which `find` multiplies; 0: from images.",
    )
    gamma: float = Field(1e-3, ge=0, le=10, description="Weight of the quantization term.")
    refresh: int = Field(
        0, ge=0, le=100, description="Rebuild the target every so many rounds; 0: never."
    )
    anchor: float = Field(
        0.5, ge=0, le=1, description="Share of the features in a rebuilt graph; 0: outputs only."
    )
    rounds: int = Field(15, ge=1, le=500, description="Rounds of network step and code step.")
    sample: int = Field(2000, ge=8, description="Images sampled for the network step of a round.")
    epochs: int = Field(2, ge=1, le=100, description="Passes over the sample in a network step.")
    batch: int = Field(128, ge=2, description="Images in a mini-batch.")
    learning_rate: float = Field(1e-3, gt=0, le=1, description="Step size of Adam.")
    pca_dims: int = Field(
        128, ge=2, le=1024, description="Principal components used for neighbours and cosine."
    )
    min_images: int = Field(
        500, ge=0, description="Fewer images, copies counted once, get the codes of ITQ."
    )
    max_images: int = Field(
        20_000, ge=8, description="Images that train; of more, a random sample of this size."
    )
