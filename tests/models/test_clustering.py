"""K-means, and the clustering loss against loops."""

import numpy as np
import pytest
import torch

from models.clustering import clustering_loss, k_means, sharpened, soft_assignment


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def test_assignments_are_shares_and_the_sharpened_ones_are_surer():
    source = generator(4)
    relaxed, centres = torch.rand(30, 6, generator=source), torch.rand(4, 6, generator=source)

    q = soft_assignment(relaxed, centres)
    p = sharpened(q)

    def entropy(shares):
        return -(shares * shares.log()).sum(1).mean()

    assert torch.allclose(q.sum(1), torch.ones(30))
    assert torch.allclose(p.sum(1), torch.ones(30))
    assert entropy(p) < entropy(q)


def test_the_assignment_is_student_t_written_with_loops():
    """q_ic = (1 + d_ic^2)^-1 / sum_c' (1 + d_ic'^2)^-1."""
    relaxed, centres = torch.randn(3, 4, generator=generator()), torch.randn(2, 4)

    q = soft_assignment(relaxed, centres)

    for i in range(3):
        kernel = [1 / (1 + float((relaxed[i] - c).square().sum())) for c in centres]
        assert q[i].tolist() == pytest.approx([value / sum(kernel) for value in kernel])


def test_the_clustering_loss_is_the_divergence_and_0_at_its_target():
    q = torch.tensor([[0.5, 0.5], [0.25, 0.75]])
    p = torch.tensor([[1.0, 0.0], [0.25, 0.75]])

    assert clustering_loss(q, p).item() == pytest.approx(np.log(2) / 2)
    assert clustering_loss(p[1:], p[1:]).item() == pytest.approx(0, abs=1e-6)


def test_gradient_of_the_clustering_loss_in_outputs_and_centres():
    source = generator(5)
    relaxed = torch.rand(5, 3, generator=source, dtype=torch.float64).requires_grad_()
    centres = torch.rand(2, 3, generator=source, dtype=torch.float64).requires_grad_()
    target = sharpened(soft_assignment(relaxed, centres)).detach()

    assert torch.autograd.gradcheck(
        lambda u, c: clustering_loss(soft_assignment(u, c), target), (relaxed, centres)
    )


def test_more_clusters_than_points_are_cut_down_and_numbered_without_gaps():
    clusters = k_means(torch.randn(6, 3, generator=generator()), 50, seed=0)

    assert set(clusters) == set(range(clusters.max() + 1))
    assert clusters.max() < 6


def test_points_without_any_difference_form_one_cluster():
    assert set(k_means(torch.ones(10, 3), 4, seed=0)) == {0}
