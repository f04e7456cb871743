"""BiHalf: half the batch has each bit, whatever the outputs."""

from __future__ import annotations

import pytest
import torch

from models.methods.bihalf import bihalf_loss, half_and_half


def random_batch(n=6, bits=4, seed=0):
    generator = torch.Generator().manual_seed(seed)
    outputs = torch.randn(n, bits, generator=generator)
    return outputs, torch.randn(n, 7, generator=generator)


def test_loss_by_hand():
    """Outputs 1 and 3 of one bit become -1 and +1 (cosine -1); the features are alike (cosine 1).

    Similarity (-1 - 1)^2 = 4. Quantization 6/2 ((1 + 1)^2 + (3 - 1)^2) / 2 = 12.
    """
    terms = bihalf_loss(torch.tensor([[1.0], [3.0]]), torch.ones(2, 5), gamma=6)

    assert terms["similarity"].item() == pytest.approx(4)
    assert terms["quantization"].item() == pytest.approx(12)


def test_codes_equal_a_sort_written_with_loops():
    outputs, _ = random_batch(n=7, seed=1)

    expected = torch.empty(7, 4)
    for bit in range(4):
        order = sorted(range(7), key=lambda row, bit=bit: -outputs[row, bit].item())
        for place, row in enumerate(order):
            expected[row, bit] = 1.0 if place < 3 else -1.0

    assert torch.equal(half_and_half(outputs), expected)


@pytest.mark.parametrize("n", [2, 5, 128])
@pytest.mark.parametrize("shift", [0.0, 50.0])
def test_every_bit_is_balanced_even_where_all_outputs_have_one_sign(n, shift):
    codes = half_and_half(random_batch(n=n)[0] + shift)

    assert {*codes.flatten().tolist()} == {-1.0, 1.0}
    assert codes.sum(0).tolist() == [-(n % 2)] * 4


def test_equal_outputs_are_halved_too():
    assert half_and_half(torch.zeros(6, 3)).sum(0).tolist() == [0, 0, 0]


def test_gradient_is_that_of_the_paper():
    """That of the codes, plus gamma (U - B) / (b K)."""
    outputs, features = random_batch(seed=2)
    outputs.requires_grad_()
    codes = half_and_half(outputs).detach().requires_grad_()

    torch.stack([*bihalf_loss(outputs, features, gamma=6).values()]).sum().backward()
    bihalf_loss(codes, features, gamma=0)["similarity"].backward()

    expected = codes.grad + 6 * (outputs - codes).detach() / outputs.numel()
    assert torch.allclose(outputs.grad, expected, atol=1e-6)
    assert outputs.grad.abs().sum() > 0


def test_a_shift_of_the_outputs_leaves_the_similarity_term():
    outputs, features = random_batch(seed=3)

    near = bihalf_loss(outputs, features, 6)["similarity"]
    far = bihalf_loss(outputs + torch.tensor([9.0, -5, 2, 0]), features, 6)["similarity"]

    assert far.item() == pytest.approx(near.item(), rel=1e-5)
