"""The views of the Bits page: what-if codes, bit cards, robustness, the map of codes."""

from __future__ import annotations

import streamlit as st

from dashboard import cached
from dashboard.charts.code_map import PICK, code_map
from dashboard.explore import bits_ablation
from dashboard.services.queries import EncodingError
from dashboard.services.search import QueryImage, bit_string
from dashboard.services.thumbs import thumb_url
from dashboard.widgets import bit_names, bit_strip, gallery, notices, result_order
from dashboard.widgets.drawer import show_drawer
from dashboard.widgets.relaxed_query import relaxed_query
from pipeline.analysis import single_bits
from pipeline.analysis.explain import unsure_bits
from pipeline.analysis.opened_run import OpenRun
from pipeline.analysis.perturbations import STRENGTHS, Probe
from pipeline.annotations.bit_names import BitNames
from pipeline.index.search import Query
from pipeline.wording import escape_markdown, percent, plural

_TILE_PX, _SHOWN = 96, 24
_MOST_LINKS = 600  # lines of the code map; more hide the discs


def what_if(opened: OpenRun, query: QueryImage) -> None:
    """Flip or mute bits of the query and watch the results."""
    numbers = list(range(1, opened.bits + 1))
    left, right = st.columns(2)
    flipped = left.multiselect(
        "Flip bits", numbers, key="flip", bind="query-params", placeholder="none"
    )
    muted = right.multiselect(
        "Mute bits",
        numbers,
        key="mute",
        bind="query-params",
        placeholder="none",
        help="Muted bits are ignored on both sides.",
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
    before, after = bit_string(query.encoded), bit_string(Query(changed.code))
    st.html(bit_strip.two_codes(before, after, name="changed"))
    bit_names.differing(opened, bit_strip.differences(before, after))
    st.markdown(
        f"**{changed.overlap} of the {len(changed.rows)} nearest stay** "
        f":gray[· {plural(len(flipped), 'bit')} flipped, {len(muted)} muted]"
    )
    bits_ablation.show_ablation(opened, muted, "mute")
    n_bits = opened.bits - len(muted)
    facts = {
        int(row): f"{d}/{n_bits}" for row, d in zip(changed.rows, changed.distances, strict=True)
    }
    _images(opened, [int(row) for row in changed.rows], "what_if", facts)
    if reason:
        st.caption(f"Equally near images are sorted by id: {escape_markdown(reason)}.")


def cards(opened: OpenRun) -> None:
    """Every bit in a table; the images that say 1 and 0 most clearly for a chosen one."""
    table, names = cached.search.bit_table(opened), BitNames.of(opened.run).all()
    st.dataframe(
        table.assign(
            name=[names.get(bit, "") for bit in table["bit"]],
            ones=100 * table["ones"],
            class_shift=100 * table["class_shift"],
        ),
        hide_index=True,
        height=260,
        alt="Bits with balance, most similar bit and strongest class.",
        column_order=["bit", *(["name"] if names else []), *table.columns[1:]],
        column_config={
            "bit": "Bit",
            "name": st.column_config.TextColumn("Name", width="medium"),
            "ones": st.column_config.NumberColumn("Ones, %", format="%.0f"),
            "most_similar": "Most similar bit",
            "correlation": st.column_config.NumberColumn("Correlation", format="%.2f"),
            "label": "Strongest class",
            "class_shift": st.column_config.NumberColumn("Class shift, points", format="%+.0f"),
        },
    )
    with st.container(horizontal=True):
        bit = st.number_input("Bit", 1, opened.bits, 1, key="bit", bind="query-params", width=140)
        bit_names.field(opened, int(bit))
    facts = table.iloc[int(bit) - 1]
    told = (
        f" Its strongest class is **{escape_markdown(facts['label'])}**." if facts["label"] else ""
    )
    st.markdown(f"Bit {bit} is 1 for {percent(facts['ones'])} % of the database.{told}")
    if opened.run.spec.finetune:
        st.caption(
            "The backbone is fine-tuned: relaxed codes are not stored, so images are not ranked."
        )
        return
    try:
        with st.spinner("Computing the relaxed codes of a sample"):
            rows, relaxed = cached.networks.relaxed_sample(opened)
    except EncodingError as error:
        st.error(escape_markdown(str(error)), title="No relaxed codes")
        return
    ones, zeros = single_bits.strongest(rows, relaxed, int(bit))
    for name, chosen in (("1", ones), ("0", zeros)):
        st.markdown(f"**Clearest {name}** :gray[· among {plural(len(rows), 'image')}]")
        _images(opened, chosen, f"bit_{name}")


def robustness(opened: OpenRun, query: QueryImage) -> None:
    """Five small changes of the query image, and the bits they flip."""
    strength = st.segmented_control(
        "Change", STRENGTHS, default="Medium", required=True, key="probe", bind="query-params"
    )
    try:
        with st.spinner("Encoding five changed images"):
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
    assert query.upload is not None  # only an upload has no row
    return cached.networks.probes_of_upload(opened, query.upload, strength, query.encoded)


def code_buckets(opened: OpenRun) -> None:
    """Distinct codes as discs; a click shows the images of one."""
    table, links = cached.search.code_buckets(opened)
    n_images = int(table["images"].sum())
    st.caption(
        f"The {len(table):,} most frequent codes hold {n_images:,} of "
        f"{len(opened.database_rows):,} images. Nearby discs have similar codes. "
        f"{_lines_mean(len(links))} Click a disc to see its images."
    )
    event = st.altair_chart(
        code_map(table, links.head(_MOST_LINKS)),
        key="code_map",
        on_select="rerun",
        selection_mode=[PICK],
        alt=f"{len(table)} codes by similarity; the most frequent has {table['images'].max()} "
        f"images. {_lines_mean(len(links))}",
    )
    picked = event.selection.get(PICK, [])
    if picked:
        rows = single_bits.bucket_rows(opened, int(picked[0]["bucket"]))
        st.markdown(
            f"**{plural(len(rows), 'image')} {'shares' if len(rows) == 1 else 'share'} this code**"
        )
        _images(opened, rows[:60], "bucket")


def _lines_mean(n_links: int) -> str:
    near = f"at most {single_bits.LINKED_WITHIN} bits apart and have the same majority label"
    if not n_links:
        return f"No two of them are {near}."
    drawn = f"; the nearest {_MOST_LINKS:,} of {n_links:,} are drawn" * (n_links > _MOST_LINKS)
    return f"A line joins two codes that are {near}{drawn}."


def _images(
    opened: OpenRun, rows: list[int], key: str, facts: dict[int, str] | None = None
) -> None:
    """A gallery whose images open the drawer."""
    tiles = tuple(
        gallery.Tile(
            str(row),
            thumb_url(opened.dataset.info.name, opened.text("sha256", row)),
            opened.text("text", row) or opened.text("image_id", row),
            opened.text("text", row) or ", ".join(opened.label_names(row)),
            (facts or {}).get(row, ""),
        )
        for row in rows
    )
    picked = gallery.show_gallery(
        [gallery.TileGroup(tiles)], key=key, label="Images", tile_px=_TILE_PX
    )
    if picked:
        show_drawer(int(picked), opened.dataset, gallery_key=key, opened=opened)
