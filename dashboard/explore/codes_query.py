"""One query on the Codes page: what its bits do when they flip, and what a changed image flips."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard import cached
from dashboard.explore import codes_images
from dashboard.services.queries import EncodingError
from dashboard.services.search import QueryImage, bit_string
from dashboard.widgets import bit_board, bit_names, bit_strip, gallery, notices, result_order
from dashboard.widgets.relaxed_query import relaxed_query
from pipeline.analysis import single_bits
from pipeline.analysis.explain import unsure_bits
from pipeline.analysis.opened_run import OpenRun
from pipeline.analysis.perturbations import Probe
from pipeline.annotations.bit_names import BitNames
from pipeline.edits import STRENGTHS
from pipeline.wording import escape_markdown, percent, plural

FLIPPED, MUTED = "flip", "mute"  # bits (from 1), in this tab and in the address bar
BITS, IMAGE = "Flip its bits", "Change the image"
_BOARD, _VIEW, _SHOWN = "query_bits", "query_view", 24


def show_query(opened: OpenRun, query: QueryImage) -> None:
    """Flip or mute bits of the query, or change its image, and watch the results."""
    with st.container(horizontal=True, vertical_alignment="center"):
        view = st.segmented_control(
            "View of the query",
            (BITS, IMAGE),
            default=BITS,
            required=True,
            key=_VIEW,
            bind="query-params",
            label_visibility="collapsed",
        )
        if view == BITS:
            undo = st.container(width="content")
    if view == IMAGE:
        _changed_image(opened, query)
    else:
        _changed_bits(opened, query, undo)


def mute(bits: list[int]) -> None:
    """Leave bits (from 1) out, at the view that shows it; for callbacks."""
    st.session_state.update({MUTED: bits, _VIEW: BITS})


def _changed_bits(opened: OpenRun, query: QueryImage, undo: DeltaGenerator) -> None:
    flipped, muted = _chosen(FLIPPED, opened.bits), _chosen(MUTED, opened.bits)
    if flipped or muted:
        undo.button(
            "Undo all", icon=":material/undo:", key="undo_bits", on_click=_set, args=([], [])
        )
    bit_board.show_bit_board(
        bit_string(query.encoded),
        key=_BOARD,
        label="Bits of the query",
        actions=("flip", "mute"),
        flipped=flipped,
        muted=muted,
        names=BitNames.of(opened.run).all(),
        on_change=_keep,
    )
    ordering, reason = result_order.by_features(opened, query)
    changed = single_bits.changed(
        opened,
        query.encoded.code,
        query.row,
        flipped=flipped,
        muted=muted,
        k=_SHOWN,
        values=None if ordering is None else ordering.values,
    )
    st.markdown(
        f"**{changed.overlap} of the {len(changed.rows)} nearest stay** "
        f":gray[· {plural(len(flipped), 'bit')} flipped, {len(muted)} muted]"
        f"{_price(opened, muted)}"
    )
    flips = "".join("01"[bit in flipped] for bit in range(1, opened.bits + 1))
    bit_names.differing(opened, flips)
    n_bits = opened.bits - len(muted)
    facts = {
        int(row): f"{d}/{n_bits}" for row, d in zip(changed.rows, changed.distances, strict=True)
    }
    codes_images.show_images(opened, [int(row) for row in changed.rows], "what_if", facts)
    if reason:
        st.caption(f"Equally near images are sorted by id: {escape_markdown(reason)}.")


def _chosen(name: str, n_bits: int) -> list[int]:
    """Bits that were chosen in this tab, or else those that the address names; in the address."""
    if name not in st.session_state:
        linked = st.query_params.get_all(name)
        st.session_state[name] = sorted({int(bit) for bit in linked if bit.isdecimal()})
    bits = [bit for bit in st.session_state[name] if 1 <= bit <= n_bits]
    if st.query_params.get_all(name) != (shown := [str(bit) for bit in bits]):
        st.query_params[name] = shown
    return bits


def _set(flipped: list[int], muted: list[int]) -> None:
    st.session_state.update({FLIPPED: flipped, MUTED: muted})


def _keep() -> None:
    if changed := bit_board.changes(_BOARD):
        _set(changed.flipped, changed.muted)


def _price(opened: OpenRun, muted: list[int]) -> str:
    """The mAP without the muted bits, where labels tell it."""
    if opened.labels is None or not muted or len(muted) >= opened.bits:
        return ""
    full, left = (cached.analysis.map_without(opened.id, bits) for bits in ((), muted))
    return (
        f" :gray[·] **mAP without the muted bits {percent(left)} %** "
        f":gray[({100 * (left - full):+.1f} points over all queries, on a sample)]"
    )


def _changed_image(opened: OpenRun, query: QueryImage) -> None:
    """Small changes of the query image, and the bits they flip."""
    strength = st.segmented_control(
        "Change", STRENGTHS, default="Medium", required=True, key="probe", bind="query-params"
    )
    try:
        with st.spinner("Encoding changed images"):
            probes = _probes(opened, query, STRENGTHS.index(strength))
        unsure = unsure_bits(relaxed_query(opened, query).relaxed)
    except EncodingError as error:
        notices.cannot_encode(str(error), key="probe_problem")
        return
    tiles = tuple(
        gallery.Tile(
            probe.name,
            probe.preview,
            f"{probe.name}: {len(probe.flipped)} of {opened.bits} bits flipped",
            probe.name,
            f"{plural(len(probe.flipped), 'bit')} · {probe.overlap}/{probe.k}",
        )
        for probe in probes
    )
    picked = gallery.show_gallery(
        [gallery.TileGroup(tiles)], key="probes", label="Changed images", tile_px=150
    )
    st.caption(
        f"Bits that flipped, and how many of the {probes[0].k} nearest are still found. "
        "Click one to see which bits."
    )
    if probe := next((probe for probe in probes if probe.name == picked), None):
        st.markdown(f"**{escape_markdown(probe.name)}**")
        before = bit_string(query.encoded)
        after = "".join(
            "10"[int(bit)] if place in probe.flipped else bit for place, bit in enumerate(before, 1)
        )
        st.html(bit_strip.two_codes(before, after, unsure, name="changed"))
        bit_names.differing(opened, bit_strip.differences(before, after))
    flipped = {bit for probe in probes for bit in probe.flipped}
    n_unsure = sum(unsure[bit - 1] == "1" for bit in flipped)
    st.markdown(
        f"{plural(len(flipped), 'bit')} flipped at least once, {n_unsure} of which were near the "
        "threshold before."
    )


def _probes(opened: OpenRun, query: QueryImage, strength: int) -> list[Probe]:
    if query.row is not None:
        return cached.networks.probes(opened, query.row, strength)
    if query.words is not None:
        raise EncodingError("words are no image that could be changed")
    assert query.upload is not None  # of an image, only an upload has no row
    return cached.networks.probes_of_upload(opened, query.upload, strength, query.encoded)
