"""The gallery of results: headings by distance, unless there would be one for every few images."""

from __future__ import annotations

import pytest

from dashboard.explore.search_results import few_headings
from dashboard.widgets.gallery import Tile, TileGroup


def group(name: str, n: int) -> TileGroup:
    tiles = tuple(Tile(f"{name}{i}", "", f"{name} {i}", "") for i in range(n))
    return TileGroup(tiles, f"distance {name}")


@pytest.mark.parametrize("sizes", [(1,), (24,), (12, 12), (20, 2, 2)])
def test_large_groups_keep_their_headings(sizes: tuple[int, ...]) -> None:
    groups = [group(str(i), n) for i, n in enumerate(sizes)]

    assert few_headings(groups) == groups


def test_many_small_groups_become_one_in_the_same_order() -> None:
    groups = [group(str(i), 3) for i in range(8)]

    (merged,) = few_headings(groups)

    assert [tile.id for tile in merged.items] == [t.id for one in groups for t in one.items]
    assert merged.heading == ""
