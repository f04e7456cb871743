"""Neighbourhood graphs and their eigenvectors, against dense numpy."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse.linalg import ArpackNoConvergence, eigsh

from models import graph
from models.graph import leading_eigenvectors, nearest_neighbours, neighbour_graph


def points(n, d=6, seed=0):
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed))


def dense_spectrum(adjacency):
    """All eigenpairs of D^-1/2 W D^-1/2, largest first."""
    weights = adjacency.toarray()
    degree = weights.sum(axis=1)
    values, vectors = np.linalg.eigh(weights / np.sqrt(np.outer(degree, degree)))
    return values[::-1], vectors[:, ::-1]


@settings(deadline=None, max_examples=30)
@given(st.integers(2, 40), st.integers(0, 1000), st.data())
def test_neighbours_are_those_of_a_full_sort(n, seed, data):
    k = data.draw(st.integers(1, n - 1))
    sample = points(n, seed=seed)

    found = nearest_neighbours(sample, k)

    similarity = (sample @ sample.T).numpy()
    np.fill_diagonal(similarity, -np.inf)
    expected = np.sort(similarity, axis=1)[:, ::-1][:, :k]
    assert np.take_along_axis(similarity, found, axis=1) == pytest.approx(expected)


def test_more_points_than_a_block_are_searched_in_full():
    sample = points(graph._BLOCK + 60, d=3)

    found = nearest_neighbours(sample, 4)

    similarity = sample @ sample.T
    similarity.fill_diagonal_(-torch.inf)
    assert np.array_equal(found, similarity.topk(4, dim=1).indices.numpy())


def test_the_graph_joins_two_points_when_either_is_near_the_other():
    sample = F.normalize(points(50))

    adjacency = neighbour_graph(sample, 5).toarray()

    near = np.zeros((50, 50), bool)
    np.put_along_axis(near, nearest_neighbours(sample, 5), True, axis=1)
    assert np.array_equal(adjacency > 0, near | near.T)


def test_an_edge_weighs_the_share_of_neighbours_that_both_ends_have():
    """The Jaccard overlap of {i, neighbours of i} and {j, neighbours of j}, with sets."""
    sample = F.normalize(points(30))

    adjacency = neighbour_graph(sample, 4).toarray()

    hoods = [{i, *row} for i, row in enumerate(nearest_neighbours(sample, 4).tolist())]
    for i, j in zip(*np.nonzero(adjacency), strict=True):
        assert adjacency[i, j] == pytest.approx(len(hoods[i] & hoods[j]) / len(hoods[i] | hoods[j]))


@pytest.mark.parametrize("n", [60, 300])
def test_eigenpairs_are_those_of_the_dense_matrix(n):
    """60 <= 4 x 20 takes the dense way, 300 the iterative one; the leading spaces must agree."""
    adjacency = neighbour_graph(points(n), 8)

    values, vectors = leading_eigenvectors(adjacency, 20, seed=0)

    all_values, all_vectors = dense_spectrum(adjacency)
    assert values == pytest.approx(all_values[:20], abs=1e-8)
    assert vectors.T @ vectors == pytest.approx(np.eye(20), abs=1e-8)
    projector = all_vectors[:, :20] @ all_vectors[:, :20].T
    assert vectors @ vectors.T == pytest.approx(projector, abs=1e-6)


def test_the_largest_eigenvalue_is_one():
    values, _ = leading_eigenvectors(neighbour_graph(points(80), 6), 5, seed=0)

    assert values[0] == pytest.approx(1)
    assert (np.diff(values) <= 1e-12).all()


@pytest.mark.parametrize("copies", [6, 300])
def test_duplicates_give_one_eigenvector_of_value_one_per_group_and_the_same_ones_every_time(
    copies,
):
    """Copies are each other's neighbours, so the graph falls apart into one part a group.

    The iteration meets an invariant subspace then and starts again from a random vector: the seed
    must cover that vector too.
    """
    sample = points(300 // copies, seed=3).repeat(copies, 1)
    adjacency = neighbour_graph(sample, 5)

    first, second = (leading_eigenvectors(adjacency, 10, seed=7) for _ in range(2))

    assert np.array_equal(first[1], second[1])
    n_parts = min(10, 300 // copies)
    assert first[0][:n_parts] == pytest.approx(np.ones(n_parts))


def test_points_without_direction_still_get_neighbours():
    adjacency = neighbour_graph(torch.zeros(12, 3), 2)

    assert ((adjacency > 0).sum(axis=1) >= 2).all()


def test_two_points_are_enough():
    values, vectors = leading_eigenvectors(neighbour_graph(points(2), 1), 1, seed=0)

    assert values == pytest.approx([1])
    assert abs(vectors) == pytest.approx(np.full((2, 1), np.sqrt(0.5)))


def failing(fails):
    """An eigensolver that does not converge while more than `fails` eigenvectors are wanted."""

    def solve(matrix, k, **options):
        if k > fails:
            raise ArpackNoConvergence("no convergence (%s)", np.zeros(0), np.zeros((0, 0)))
        return eigsh(matrix, k, **options)

    return solve


def test_a_small_graph_is_solved_whole_where_the_iteration_does_not_converge(monkeypatch, caplog):
    adjacency = neighbour_graph(points(90), 8)
    expected, _ = leading_eigenvectors(adjacency, 6, seed=0)
    monkeypatch.setattr(graph, "eigsh", failing(0))

    values, vectors = leading_eigenvectors(adjacency, 6, seed=0)

    assert values == pytest.approx(expected, abs=1e-8)
    assert vectors.T @ vectors == pytest.approx(np.eye(6), abs=1e-8)
    assert "the graph of 90 images is solved whole" in caplog.text


def test_a_large_graph_gives_fewer_eigenvectors_where_the_iteration_does_not_converge(
    monkeypatch, caplog
):
    adjacency = neighbour_graph(points(90), 8)
    expected, _ = leading_eigenvectors(adjacency, 5, seed=0)
    monkeypatch.setattr(graph, "eigsh", failing(5))
    monkeypatch.setattr(graph, "_DENSE", 50)

    values, vectors = leading_eigenvectors(adjacency, 10, seed=0)

    assert values == pytest.approx(expected)
    assert vectors.shape == (90, 5)
    assert "5 eigenvectors of 90 images instead of 10" in caplog.text
    monkeypatch.setattr(graph, "eigsh", failing(0))
    with pytest.raises(ValueError, match="graph of 90 images has no eigenvectors"):
        leading_eigenvectors(adjacency, 10, seed=0)
