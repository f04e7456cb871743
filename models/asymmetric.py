"""Asymmetric learning: network outputs against free codes of all images (ADSH, AAAI 2018)."""

from __future__ import annotations

import torch
from torch import Tensor


def asymmetric_loss(relaxed: Tensor, pull: Tensor, energy: Tensor, gram: Tensor, n: int) -> Tensor:
    """Mean over the batch of sum_j (u_i^T b_j - K s_ij)^2 / (n K), without the n columns.

    Expands the square: u^T (B^T B) u - 2 K u^T (B^T s_i) + K^2 ||s_i||^2.

    Args:
        relaxed: (b, K) network outputs.
        pull: (b, K) rows of S B.
        energy: (b,) sum_j s_ij^2.
        gram: (K, K) B^T B.
        n: number of codes.
    """
    bits = relaxed.shape[1]
    quadratic = (relaxed @ gram * relaxed).sum(1)
    linear = (relaxed * pull).sum(1)
    return (quadratic - 2 * bits * linear + bits**2 * energy).mean() / (n * bits)


def code_step(
    codes: Tensor, relaxed: Tensor, pulled: Tensor, sampled: Tensor, gamma: float
) -> Tensor:
    """One sweep of exact minimisation over the bits of the free codes (after ADSH, AAAI 2018).

    Minimises sum_{i in sampled, j} (u_i^T b_j - K s_ij)^2 + gamma n K sum_i ||u_i - b_i||^2 over
    one column of B at a time, so the objective never rises. A bit that does not matter stays.

    Args:
        codes: (n, K) in {-1, +1}.
        relaxed: (m, K) network outputs of the sampled rows.
        pulled: (n, K), the sampled columns of S times `relaxed`.
        sampled: (m,) their row numbers.
        gamma: weight of the quantization term.
    """
    n, bits = codes.shape
    codes, linear = codes.clone(), bits * pulled
    linear[sampled] += gamma * n * bits * relaxed
    products = relaxed.T @ relaxed  # (K, K)
    for bit in range(bits):
        others = products[:, bit].clone()
        others[bit] = 0
        preference = linear[:, bit] - codes @ others
        codes[:, bit] = torch.where(preference == 0, codes[:, bit], preference.sign())
    return codes
