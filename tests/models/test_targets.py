"""Targets that are never formed, against the matrices they stand for."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from models.clustering import k_means
from models.graph import neighbour_graph
from models.targets import Spectrum, balanced, graded, stable_neighbours

ALL = torch.arange(24)


def points(n=24, seed=0):
    return F.normalize(torch.randn(n, 6, generator=torch.Generator().manual_seed(seed)))


def targets():
    sample = points()
    graph, clusters = neighbour_graph(sample, 3), np.arange(24) % 4
    return {
        "graded": graded([(0.5, sample), (2.0, sample[:, :2])]),
        "graded with graph": graded([(0.5, sample)], graph, 3.0),
        "balanced": balanced(clusters, graph, 24),
        "balanced, clusters only": balanced(clusters, None, 24),
        "balanced, graph only": balanced(None, graph, 24),
    }


@pytest.mark.parametrize("name", list(targets()))
def test_products_and_energies_are_those_of_the_dense_matrix(name):
    target = targets()[name]
    dense = target.rows(ALL, ALL)
    matrix = torch.randn(24, 5, generator=torch.Generator().manual_seed(1))

    assert torch.allclose(target.times(matrix), dense @ matrix, atol=1e-4)
    assert torch.allclose(target.energy(), dense.square().sum(1), rtol=1e-4)
    assert torch.allclose(target.rows(ALL[:3], ALL[5:9]), dense[:3, 5:9], atol=1e-6)


def test_the_hard_target_is_1_or_minus_rho_and_its_two_sides_weigh_the_same():
    """rho = P / (1 - P), so the sum of all entries is P - (1 - P) rho = 0."""
    graph, clusters = neighbour_graph(points(), 3), np.arange(24) % 4

    dense = balanced(clusters, graph, 24).rows(ALL, ALL).numpy()

    similar = (clusters[:, None] == clusters) | (graph.toarray() > 0)
    share = similar.mean()
    expected = np.where(similar, 1.0, -share / (1 - share))
    assert dense == pytest.approx(expected, abs=1e-5)
    assert dense.sum() == pytest.approx(0, abs=1e-2)


def test_the_eigengap_finds_separate_groups():
    """5 tight groups: five eigenvalues near 1, then a drop."""
    member = torch.arange(100) % 5
    centres = torch.eye(8)[:5]
    sample = centres[member] + 0.05 * torch.randn(
        100, 8, generator=torch.Generator().manual_seed(2)
    )

    spectrum = Spectrum.of(F.normalize(sample), 10, 20, seed=0)
    clusters = k_means(spectrum.embedding(0, spectrum.eigengap()), spectrum.eigengap(), seed=0)

    assert spectrum.eigengap() == 5
    together = clusters[:, None] == clusters
    assert np.array_equal(together, (member[:, None] == member).numpy())


def blobs(groups, spread, n=240):
    generator = torch.Generator().manual_seed(0)
    centres = torch.randn(groups, 12, generator=generator)
    noise = torch.randn(n, 12, generator=generator)
    return F.normalize(centres[torch.arange(n) % groups] + spread * noise)


def test_clear_groups_need_the_fewest_neighbours_and_noise_needs_more():
    clear, noise = blobs(4, 0.2), blobs(1, 5.0)

    assert stable_neighbours(clear, 32, 4.0, 0) == 5
    assert stable_neighbours(noise, 32, 4.0, 0) == 40


def test_so_few_points_that_samples_say_nothing_get_the_usual_neighbours():
    assert stable_neighbours(blobs(2, 0.1, n=79), 8, 4.0, 0) == 10


def test_equal_points_are_no_trouble():
    assert stable_neighbours(torch.ones(100, 4) / 2, 8, 4.0, 0) in (5, 10, 20, 40)
