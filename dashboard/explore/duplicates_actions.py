"""What is done with near-duplicates: keep one, tag the others, take the list along."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from dashboard import cached
from dashboard.services.image_facts import TagsOf
from dashboard.services.results_table import to_csv
from models.codes import HashCodes
from pipeline.analysis.duplicates import TAG, duplicate_table
from pipeline.annotations.tags import TagError, Tags
from pipeline.datasets.dataset import RetrievalDataset
from pipeline.wording import escape_markdown, plural


def show(
    dataset: RetrievalDataset,
    groups: Sequence[NDArray[np.int64]],
    rows: NDArray[np.int64],
    codes: HashCodes,
    tags: TagsOf,
) -> None:
    """Buttons for all groups at once."""
    others = np.concatenate([_others(group, kept(dataset, group)) for group in groups])
    with st.container(horizontal=True, key="duplicate_actions"):
        st.button(
            f"Keep one per group, tag {len(others):,}",
            icon=":material/sell:",
            help=f"Puts the tag “{TAG}” on all images of the groups but the one that is kept. "
            "Nothing is deleted.",
            on_click=_tag,
            args=(dataset, others, True),
            key="tag_all_duplicates",
        )
        tagged = [sha256 for sha256, words in tags.items() if TAG in words]
        if tagged:
            st.button(
                f"Remove the tag from {len(tagged):,}",
                icon=":material/label_off:",
                on_click=_change,
                args=(dataset, tagged, False),
                key="untag_all_duplicates",
            )
        st.download_button(
            "Export list",
            data=lambda: _list(dataset, groups, rows, codes),
            file_name=f"duplicates-{dataset.info.name}.csv",
            mime="text/csv",
            on_click="ignore",
            icon=":material/download:",
            key="export_duplicates",
        )
    st.caption("*Hide duplicates*, in the filters of Search, leaves tagged images out.")


def group_buttons(
    dataset: RetrievalDataset, group: NDArray[np.int64], kept_row: int, tags: TagsOf
) -> None:
    """Tag or untag all of one group but the image that is kept."""
    others = _others(group, kept_row)
    digests = dataset.manifest["sha256"].iloc[others]
    is_tagged = all(TAG in tags.get(str(sha256), ()) for sha256 in digests)
    st.button(
        "Untag" if is_tagged else "Keep one, tag the others",
        on_click=_tag,
        args=(dataset, others, not is_tagged),
        key=f"tag_group_{group[0]}",
    )


def kept(dataset: RetrievalDataset, group: NDArray[np.int64]) -> int:
    """Manifest row of the image of a group that is kept: the one chosen, or the first."""
    chosen = _chosen(dataset)
    return next((int(row) for row in group if int(row) in chosen), int(group[0]))


def keep(dataset: RetrievalDataset, group: NDArray[np.int64], picked: str | None) -> None:
    """Make another image of a group the one that is kept; for callbacks."""
    if picked is not None:
        _chosen(dataset).difference_update(map(int, group))
        _chosen(dataset).add(int(picked))


def _chosen(dataset: RetrievalDataset) -> set[int]:
    rows: set[int] = st.session_state.setdefault(f"kept_{dataset.info.fingerprint}", set())
    return rows


def _others(group: NDArray[np.int64], kept_row: int) -> NDArray[np.int64]:
    others: NDArray[np.int64] = group[group != kept_row]
    return others


def _tag(dataset: RetrievalDataset, rows: NDArray[np.int64], is_wanted: bool) -> None:
    _change(dataset, dataset.manifest["sha256"].iloc[rows].tolist(), is_wanted)


def _change(dataset: RetrievalDataset, images: Sequence[str], is_wanted: bool) -> None:
    tags = Tags.of(dataset.info.name, cached.library.settings())
    try:
        (tags.put if is_wanted else tags.take)(images, TAG)
    except (TagError, OSError) as error:
        st.toast(escape_markdown(str(error)), icon=":material/error:")
        return
    word = "Tagged" if is_wanted else "Untagged"
    st.toast(f"{word} {plural(len(images), 'image')}.")


def _list(
    dataset: RetrievalDataset,
    groups: Sequence[NDArray[np.int64]],
    rows: NDArray[np.int64],
    codes: HashCodes,
) -> bytes:
    """All groups, the image that is kept first in each."""
    ordered = []
    for group in groups:
        first = kept(dataset, group)
        ordered.append(np.array([first, *_others(group, first)]))
    whole = HashCodes(np.zeros((len(dataset), codes.packed.shape[1]), np.uint8), codes.bits)
    whole.packed[rows] = codes.packed
    return to_csv(duplicate_table(dataset, ordered, whole))
