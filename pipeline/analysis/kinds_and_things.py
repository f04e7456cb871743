"""What a search finds at both ends of "same kind" and "same thing", and what lies between.

The examples need features alone, no trained method: the same kind is what the neighbourhood graph
of UD2H's target groups, the same thing what is nearest by cosine.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from models.kinds_and_things import FINDS
from models.linear import principal_axes
from models.targets import Spectrum
from models.ud2h_config import UD2HConfig
from pipeline.runs.registry import RunRegistry
from pipeline.settings import Settings

SETTING = "find"  # of the methods that ask it
FRONT = ("find", "bits", "map", "precision_at_10", "neighbours_at_10", "run")
LEAST_IMAGES = 80  # fewer have no groups to show
_MOST_IMAGES = 1_500  # that a graph is built of, to be quick
_NEIGHBOURS, _EIGENVECTORS = 10, 256
_LEAST_LIKE = 0.8  # share of the greatest similarity from which images are of a kind
_defaults = UD2HConfig()


@dataclass(frozen=True)
class Example:
    """An image and what either end finds for it first, as rows of the features."""

    query: int
    same_kind: tuple[int, ...]
    same_thing: tuple[int, ...]


def examples(
    features: NDArray[np.float32], *, count: int = 3, shown: int = 5, seed: int = 0
) -> tuple[Example, ...]:
    """What both ends find for a few images.

    Within a kind the order means nothing, so that images of it are drawn by chance.

    Args:
        features: (n, d); of more than 1,500 images a sample is taken.
        count: images at most.
        shown: results of each end.
        seed: seed of sample, graph and draw.

    Returns:
        Examples whose kind has more images than are shown; none of fewer than 80 images.
    """
    if len(features) < LEAST_IMAGES:
        return ()
    rng = np.random.default_rng(seed)
    rows = np.sort(rng.permutation(len(features))[:_MOST_IMAGES])
    inputs = torch.from_numpy(np.array(features[rows], np.float32))
    inputs -= inputs.mean(0)
    most = min(_defaults.pca_dims, inputs.shape[1], len(rows) - 1)
    points = F.normalize(inputs @ principal_axes(inputs, most))
    kinds = Spectrum.of(points, _NEIGHBOURS, _EIGENVECTORS, seed).embedding(_defaults.power)
    found: list[Example] = []
    taken = np.zeros(len(rows), bool)
    for query in rng.permutation(len(rows)):
        like = (kinds @ kinds[query]).numpy()
        like[query] = -1.0
        members = np.flatnonzero(like >= _LEAST_LIKE)
        if taken[query] or len(members) < 2 * shown:
            continue
        near = (points @ points[query]).numpy()
        near[query] = -1.0
        drawn = rng.permutation(members)[:shown]
        nearest = np.argsort(-near)[:shown]
        found.append(Example(int(rows[query]), _ints(rows[drawn]), _ints(rows[nearest])))
        taken[members] = True  # the next example is of another kind
        if len(found) == count:
            break
    return tuple(found)


def find_front(rows: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """Leaderboard rows of methods that were told what to find: `FRONT`, kinds first.

    Rows whose neighbours were not measured are left out, and those whose other settings are not
    today's defaults: with them, the same choice means something else.

    Args:
        rows: of a leaderboard.
        settings: where the runs are.
    """
    registry = RunRegistry(settings)
    front = [
        {"find": spec.config[SETTING]} | {name: row[name] for name in FRONT[1:]}
        for row in rows.to_dict("records")
        if (spec := registry.open(row["run"]).spec).config.get(SETTING) in FINDS
        and spec.changed.keys() <= {SETTING}
    ]
    table = pd.DataFrame(front, columns=list(FRONT)).dropna(subset=["map", "neighbours_at_10"])
    order = table["find"].map(FINDS.index)
    return table.assign(order=order).sort_values(["bits", "order"])[[*FRONT]]


def _ints(rows: NDArray[np.int64]) -> tuple[int, ...]:
    return tuple(map(int, rows))
