"""Groups of near-duplicates side by side, a page of them at a time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from dashboard.explore import duplicates_actions
from dashboard.services.image_facts import TagsOf
from dashboard.services.thumbs import thumb_url
from dashboard.widgets import gallery
from models.codes import HashCodes
from pipeline.analysis.duplicates import TAG
from pipeline.datasets.dataset import RetrievalDataset
from pipeline.wording import plural

_PER_PAGE = 8
_MOST_SHOWN = 24  # images of a group


def summary(groups: Sequence[NDArray[np.int64]], distance: int, n: int) -> None:
    """What was found, in a sentence."""
    if not groups:
        st.markdown(f"**No two of {n:,} images** are within {plural(distance, 'bit')}.")
        return
    joined = sum(map(len, groups))
    st.markdown(
        f"**{plural(len(groups), 'group')}** of {joined:,} images "
        f":gray[· {joined - len(groups):,} could go · the largest has {len(groups[0]):,} "
        f"· {n:,} images compared]"
    )
    st.caption(
        f"Each image is within {plural(distance, 'bit')} of another one of its group, and may "
        "differ from the kept one by more, as its caption says. Click an image to keep it instead."
    )


def show(
    dataset: RetrievalDataset,
    groups: Sequence[NDArray[np.int64]],
    rows: NDArray[np.int64],
    codes: HashCodes,
    tags: TagsOf,
) -> None:
    """One page of groups; a click on an image makes it the one that is kept."""
    n_pages = -(-len(groups) // _PER_PAGE)
    page = st.pagination(n_pages, key="duplicates_page") if n_pages > 1 else 1
    page = min(page, n_pages)
    place = {int(row): number for number, row in enumerate(rows)}
    for number in range((page - 1) * _PER_PAGE, min(page * _PER_PAGE, len(groups))):
        _group(dataset, number, groups[number], place, codes, tags)


def _group(
    dataset: RetrievalDataset,
    number: int,
    group: NDArray[np.int64],
    place: dict[int, int],
    codes: HashCodes,
    tags: TagsOf,
) -> None:
    kept = duplicates_actions.kept(dataset, group)
    mine = codes[[place[kept]]]
    distances = mine.hamming(codes[[place[int(row)] for row in group]])[0]
    order = np.argsort(distances, kind="stable")[:_MOST_SHOWN]
    key = f"group_{dataset.info.fingerprint[:8]}_{group[0]}"
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            more = f", {len(order)} shown" if len(order) < len(group) else ""
            st.markdown(
                f"**Group {number + 1}** :gray[· {plural(len(group), 'image')}{more}]",
                width="stretch",
            )
            duplicates_actions.group_buttons(dataset, group, kept, tags)
        tiles = tuple(
            _tile(dataset, int(group[one]), int(distances[one]), int(group[one]) == kept, tags)
            for one in order
        )
        gallery.show_gallery(
            [gallery.TileGroup(tiles)],
            key=key,
            label=f"Group {number + 1}; a click chooses the image that is kept",
            tile_px=116,
            pressed=str(kept),
            on_pick=lambda: duplicates_actions.keep(dataset, group, gallery.picked(key)),
        )


def _tile(
    dataset: RetrievalDataset, row: int, distance: int, is_kept: bool, tags: TagsOf
) -> gallery.Tile:
    sha256 = str(dataset.manifest["sha256"].iloc[row])
    record = dataset.manifest.iloc[row]
    name = str(record["text"] or record["image_id"])
    is_tagged = TAG in tags.get(sha256, ())
    fact = "kept" if is_kept else f"{plural(distance, 'bit')}{' · tagged' if is_tagged else ''}"
    return gallery.Tile(
        id=str(row),
        src=thumb_url(dataset.info.name, sha256),
        name=f"{name}, {fact}",
        caption=name,
        fact=fact,
    )
