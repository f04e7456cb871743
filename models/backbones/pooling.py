"""How the last features of a network become one vector: the CLS token, the mean, or GeM."""

from __future__ import annotations

from torch import Tensor, nn

_P, _EPSILON = 3.0, 1e-6  # of GeM, as its authors begin with


class Pooled(nn.Module):
    """A network of timm whose last features are pooled otherwise than it does itself.

    Args:
        network: with `forward_features`; tokens (n, t, d), or a map with d channels first or last.
        pool: `cls`, `mean` or `gem` (Radenovic et al., TPAMI 2019, with p = 3).

    Raises:
        ValueError: `cls` where the network has no such token.
    """

    def __init__(self, network: nn.Module, pool: str) -> None:
        super().__init__()
        self.network, self._pool = network, pool
        self._n_prefix = int(getattr(network, "num_prefix_tokens", 0))
        if pool == "cls" and not self._n_prefix:
            raise ValueError(f"{type(network).__name__} has no CLS token; take pool=mean or gem")

    def forward(self, images: Tensor) -> Tensor:
        """(n, 3, h, w) -> (n, d)."""
        features: Tensor = self.network.forward_features(images)  # type: ignore[operator]
        if features.ndim == 4:
            is_last = features.shape[-1] == self.network.num_features
            features = features.flatten(1, 2) if is_last else features.flatten(2).transpose(1, 2)
        elif self._pool == "cls":
            return features[:, 0]
        places = features[:, self._n_prefix :]  # registers and the CLS token are no places
        return places.mean(1) if self._pool == "mean" else gem(places)


def gem(places: Tensor) -> Tensor:
    """Generalized mean (n, d) over places (n, t, d); negative values count as 0.

    Example:
        >>> gem(torch.tensor([[[0.0], [2.0]]])).round(decimals=3)
        tensor([[1.5870]])
    """
    powers: Tensor = places.clamp(min=_EPSILON).pow(_P).mean(1).pow(1 / _P)
    return powers
