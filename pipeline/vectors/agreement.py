"""Whether a network that is called like own vectors computes them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.backbones.registry import load_backbone
from models.errors import WeightsError
from pipeline.backbones import as_vectors
from pipeline.datasets.dataset import RetrievalDataset

_PROBED = 8  # images that a network of the name is tried on
_AGREES = 0.98  # least cosine of its vectors and the imported ones; half precision has 0.9999


def agreeing_network(
    bare: str,
    dataset: RetrievalDataset,
    rows: NDArray[np.float32],
    images: NDArray[np.int64],
    *,
    is_unit: bool,
) -> tuple[str, str]:
    """Fingerprint of the network called so, if it computes these vectors; and what to say."""
    other = "uploaded images are refused, and images of the data set work"
    try:
        network = load_backbone(bare)
        sample = np.unique(np.linspace(0, len(rows) - 1, _PROBED).astype(int))
        if network.dim != rows.shape[1]:
            return "", f"the network {bare} has {network.dim:,} dimensions, not these; {other}"
        pictures = [dataset.load_image(int(images[place])) for place in sample]
        found = as_vectors(network, is_unit=is_unit).embed(pictures).numpy()
    except (WeightsError, ValueError) as error:
        return "", f"the network {bare} cannot be tried here ({error}); {other}"
    cosine = float(_cosines(found, rows[sample]).min())
    if cosine < _AGREES:
        return "", f"the network {bare} gives other vectors here (cosine {cosine:.3f}); {other}"
    return network.fingerprint, (
        f"the network {bare} gives the same vectors (cosine {cosine:.4f} or more), so it encodes "
        "uploaded images"
    )


def _cosines(first: NDArray[np.float32], second: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
    cosines: NDArray[np.float32] = (first * second).sum(axis=1) / lengths
    return cosines
