"""ITQ and LSH are as good as those of faiss."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("faiss", reason="faiss-cpu is a development requirement")

from tests.benchmarks.bench_faiss import ours, scores, synthetic, theirs


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
