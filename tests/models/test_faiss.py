"""ITQ and LSH are as good as those of faiss."""

from __future__ import annotations

import faiss
import numpy as np
import pytest
import torch

from benchmarks.studies.against_faiss import ours, scores, synthetic, theirs
from models.linear import principal_axes, rotate_to_codes


@pytest.mark.parametrize("name", ["lsh", "itq"])
def test_the_method_agrees_with_faiss_within_the_noise_of_seeds(name):
    """Mean mAP of 8 seeds each on the clusters of the contract, 16 bits.

    The difference may be three standard errors of it, or one point where seeds hardly differ.
    """
    data = synthetic()

    (own, _), (other, _) = (scores(fit, name, data, 16, seeds=8) for fit in (ours, theirs))

    noise = np.sqrt((own.var(ddof=1) + other.var(ddof=1)) / 8)
    assert abs(own.mean() - other.mean()) <= max(3 * noise, 0.01)


@pytest.mark.parametrize("fit", [ours, theirs])
@pytest.mark.parametrize("name", ["lsh", "itq"])
def test_the_seed_reaches_both_sides(fit, name):
    data = synthetic()

    first, again, other = (fit(name, data.train, 16, seed)(data.query) for seed in (0, 0, 1))

    assert np.array_equal(first.packed, again.packed)
    assert not np.array_equal(first.packed, other.packed)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_rotation_fits_at_least_as_well_as_that_of_faiss(seed):
    """Both look for the R that maximises mean |V R|, from the same V, in 50 steps."""
    features = torch.from_numpy(synthetic().train)
    components = features @ principal_axes(features, 16)
    peer = faiss.ITQMatrix(16)
    peer.max_iter, peer.seed = 50, seed

    rotation = rotate_to_codes(components, 50, torch.Generator().manual_seed(seed))
    peer.train(components.numpy())

    fit, other = (components @ rotation).abs().mean().item(), np.abs(peer.apply(components)).mean()
    assert fit >= 0.999 * other
