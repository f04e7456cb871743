"""Asymmetric learning: the loss without n columns, exact code steps."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.asymmetric import asymmetric_loss, code_step


def problem(n, m, bits, rank=5, seed=0, dtype=torch.float64):
    """Codes (n, K), outputs (m, K), a factor (n, r) and the sampled rows of one round."""
    source = torch.Generator().manual_seed(seed)
    codes = torch.where(torch.randn(n, bits, generator=source, dtype=dtype) >= 0, 1.0, -1.0)
    relaxed = torch.tanh(torch.randn(m, bits, generator=source, dtype=dtype))
    factor = torch.randn(n, rank, generator=source, dtype=dtype)
    return codes.to(dtype), relaxed, factor, torch.randperm(n, generator=source)[:m]


def objective(codes, relaxed, factor, sampled, gamma):
    """What a code step minimises, pair by pair."""
    n, bits = codes.shape
    total = 0.0
    for i, row in enumerate(sampled):
        for j in range(n):
            target = bits * float(factor[row] @ factor[j])
            total += (float(relaxed[i] @ codes[j]) - target) ** 2
        total += gamma * n * bits * float((relaxed[i] - codes[row]).square().sum())
    return total


def stepped(codes, relaxed, factor, sampled, gamma):
    """The code step on the target factor @ factor.T."""
    return code_step(codes, relaxed, factor @ (factor[sampled].T @ relaxed), sampled, gamma)


def loss_of(codes, relaxed, factor, sampled):
    rows = factor[sampled]
    pull = rows @ (factor.T @ codes)
    energy = (rows @ (factor.T @ factor) * rows).sum(1)
    return asymmetric_loss(relaxed, pull, energy, codes.T @ codes, len(codes))


@settings(deadline=None, max_examples=25)
@given(st.integers(2, 9), st.integers(1, 6), st.integers(1, 7), st.integers(0, 999))
def test_the_loss_is_the_mean_over_all_pairs(n, m, bits, seed):
    codes, relaxed, factor, sampled = problem(n, min(m, n), bits, seed=seed)

    loss = loss_of(codes, relaxed, factor, sampled)

    expected = objective(codes, relaxed, factor, sampled, gamma=0) / (len(sampled) * n * bits)
    assert loss.item() == pytest.approx(expected, rel=1e-6)


def test_a_perfect_fit_costs_nothing():
    """u_i = b_i of orthogonal codes: u_i . b_j = K where i = j, else 0, which is K s_ij."""
    codes = torch.tensor([[1.0, 1.0], [1.0, -1.0]])

    assert loss_of(codes, codes, torch.eye(2), torch.arange(2)).item() == pytest.approx(0)


def test_gradient():
    codes, relaxed, factor, sampled = problem(7, 4, 5)

    assert torch.autograd.gradcheck(
        lambda outputs: loss_of(codes, outputs, factor, sampled), relaxed.requires_grad_()
    )


@settings(deadline=None, max_examples=25)
@given(
    st.integers(2, 9),
    st.integers(1, 9),
    st.integers(1, 6),
    st.sampled_from([0.0, 1e-3, 0.3, 10.0]),
    st.integers(0, 999),
)
def test_a_code_step_sets_each_bit_to_the_cheaper_value_and_never_raises_the_objective(
    n, m, bits, gamma, seed
):
    """Bit by bit over the columns; within a column the images do not influence each other."""
    codes, relaxed, factor, sampled = problem(n, min(m, n), bits, seed=seed)
    expected, before = codes.clone(), objective(codes, relaxed, factor, sampled, gamma)
    for bit in range(bits):
        for j in range(n):
            costs = {}
            for value in (-1.0, 1.0):
                expected[j, bit] = value
                costs[value] = objective(expected, relaxed, factor, sampled, gamma)
            expected[j, bit] = min(costs, key=costs.__getitem__)
        after = objective(expected, relaxed, factor, sampled, gamma)
        assert after <= before * (1 + 1e-9)
        before = after

    found = stepped(codes, relaxed, factor, sampled, gamma)

    assert torch.equal(found, expected)


def test_a_bit_that_does_not_matter_stays():
    """Outputs of 0 have no preference: U^T U = 0 and S^T U = 0."""
    codes, _, factor, sampled = problem(6, 3, 4)

    assert torch.equal(stepped(codes, torch.zeros(3, 4).double(), factor, sampled, 0.5), codes)


def test_a_code_step_leaves_its_arguments_alone_and_moves_rows_that_were_not_sampled():
    codes, relaxed, factor, sampled = problem(30, 8, 6)
    before = codes.clone()

    found = stepped(codes, relaxed, factor, sampled, gamma=0.1)

    assert torch.equal(codes, before)
    others = np.setdiff1d(np.arange(30), sampled)
    assert (found[others] != codes[others]).any()
