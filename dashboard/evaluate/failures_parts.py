"""The parts of the Failures page: worst queries in an order, confusion, one query in detail."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboard import cached, state
from dashboard.charts.confusion import PICK, confusion
from dashboard.evaluate import curves_parts
from dashboard.services.imports import ImagePair
from dashboard.services.queries import dataset_ref
from dashboard.services.report_basket import Picture
from dashboard.services.thumbs import thumb_url
from dashboard.widgets import (
    bit_strip,
    chart_panel,
    gallery,
    image_pairs,
    notices,
    query_panel,
    report_button,
)
from dashboard.widgets.drawer import show_drawer
from dashboard.widgets.report_button import Entry
from pipeline.analysis.failures import (
    BY_AP,
    DROP,
    EMPTY,
    NONE_IN_TOP,
    Failures,
    Neighbour,
    confusion_finding,
    confusion_table,
    look_alikes,
    nearest_relevant,
    neighbours,
    worst,
)
from pipeline.analysis.opened_run import OpenRun
from pipeline.evaluation.rankings import HAMMING, ranking_in_words
from pipeline.runs.results import RunError
from pipeline.wording import escape_html, escape_markdown, plural

WORST, CONFUSION, HUBS = "Worst queries", "Confusion", "Hubs"
REVIEW, ROBUSTNESS = "Review", "Robustness"
_PAGE = 24
_PAIR = "confused_pair"


def view(run: OpenRun) -> str:
    """How to look at the failures; classes are confused only where labels decide."""
    views = [WORST, CONFUSION, HUBS, REVIEW, ROBUSTNESS]
    if run.nearest is not None:
        views = [one for one in views if one not in (CONFUSION, REVIEW)]
        if st.session_state.get("failures_view", WORST) not in views:
            st.session_state["failures_view"] = WORST
    return st.segmented_control(
        "View",
        views,
        default=WORST,
        required=True,
        key="failures_view",
        bind="query-params",
        label_visibility="collapsed",
    )


def read(run: OpenRun, view: str) -> tuple[Failures, str]:
    """The failures in the ranking that is chosen, and that ranking.

    Hubs, review and robustness are of the codes and by Hamming distance alone, which is said.
    """
    wanted = cached.analysis.ranking_of(run.id)
    if wanted != HAMMING and view not in (WORST, CONFUSION):
        st.caption("This view is by Hamming distance, whatever ranking is chosen.")
        wanted = HAMMING
    try:
        return cached.analysis.failures(run.id, wanted), wanted
    except RunError as error:
        if wanted == HAMMING:
            raise
        notices.problem(
            "This ranking cannot be shown query by query.",
            reason=str(error),
            works="What is shown is by Hamming distance.",
            key="ranking_problem",
        )
        return cached.analysis.failures(run.id), HAMMING


def ordered(run: OpenRun, failures: Failures, ranking: str) -> pd.DataFrame:
    """The queries in the chosen order; for the biggest drop against a run that is chosen too."""
    by = st.segmented_control(
        "Worst by",
        (BY_AP, NONE_IN_TOP, EMPTY, DROP),
        default=BY_AP,
        required=True,
        key="worst_by",
        bind="query-params",
    )
    other = _other_run(run, ranking) if by == DROP else None
    pair = st.session_state.get(_PAIR)
    if pair is not None and not set(pair) <= set(failures.classes):
        pair = st.session_state.pop(_PAIR) and None  # of another data set
    if pair is not None:
        with st.container(horizontal=True, vertical_alignment="center", key="pair"):
            st.markdown(
                escape_markdown(f"Only queries of {pair[0]} that find {pair[1]}."), width="content"
            )
            st.button("Show all", icon=":material/close:", on_click=_forget_pair)
    return worst(failures, by, other, pair)


def worst_queries(run: OpenRun, failures: Failures, table: pd.DataFrame) -> int:
    """A page of the gallery; returns the place of the query in detail."""
    n_pages = -(-len(table) // _PAGE)
    page = 1
    if n_pages > 1:
        page = min(st.session_state.get("fp", 1), n_pages)
        st.session_state["fp"] = page
        page = st.pagination(n_pages, key="fp", bind="query-params")
    shown = table.iloc[(page - 1) * _PAGE : page * _PAGE]
    tiles = tuple(_query_tile(run, failures, row) for _, row in shown.iterrows())
    clicked = gallery.show_gallery(
        [gallery.TileGroup(tiles)], key="worst", label="Worst queries", tile_px=96
    )
    if clicked:
        st.session_state[state.FAILURE] = str(run.query_rows[int(clicked)])
    return _chosen_query(run, table, int(shown["place"].iloc[0]), is_clicked=bool(clicked))


def _chosen_query(run: OpenRun, table: pd.DataFrame, first: int, *, is_clicked: bool) -> int:
    """The place of the query that was clicked or that a link names; else the first on the page."""
    linked = (
        None
        if is_clicked
        else state.from_address(state.FAILURE, st.session_state.get(state.FAILURE))
    )
    if linked is not None:
        st.session_state[state.FAILURE] = linked
    places = {str(run.query_rows[place]): int(place) for place in table["place"]}
    place = places.get(st.session_state.setdefault(state.FAILURE, ""))
    if place is None and linked:
        st.info("The query in this link is not among these; the first one is shown instead.")
    place = first if place is None else place
    state.write_address(state.FAILURE, str(run.query_rows[place]))
    return place


def confused(run: OpenRun, failures: Failures) -> None:
    """The confusion; a click goes to the queries behind a cell."""
    table = confusion_table(failures)
    sentence = confusion_finding(table)
    if not sentence:
        st.info("No query has a wrong result among its first.")
        return
    st.markdown(escape_markdown(sentence))
    picked = chart_panel.show_chart(
        confusion(table),
        table.rename(columns=str.capitalize),
        alt=f"Wrong results by label of query and result. {sentence}",
        key="confusion",
        pick=PICK,
        entry=Entry(f"Confusion of neighbours, {run.label}", finding=sentence, runs=(run.id,)),
    )
    st.caption("Wrong results among the first 10 of each query. Click a cell to see its queries.")
    if picked and (pair := (picked[0].get("query"), picked[0].get("result"))) != (None, None):
        st.session_state[_PAIR] = pair
        st.button("See these queries", icon=":material/arrow_forward:", on_click=_show_worst)


def detail(run: OpenRun, failures: Failures, place: int, *, is_review: bool = False) -> None:
    """One query: why it may have failed, its first results, its code, the nearest relevant."""
    facts, row = failures.facts.iloc[place], int(run.query_rows[place])
    results = neighbours(run, place, failures.first)
    labels = run.described(row)
    ap = f"AP {100 * facts['ap']:.1f} %"
    source = thumb_url(run.dataset.info.name, run.sha256(row))
    st.html(
        "<div style='display:flex;gap:1rem;align-items:center'>"
        f"<img src='{source}' alt='query: {escape_html(labels)}' "
        "style='width:7rem;border-radius:.4rem'>"
        f"<div style='overflow-wrap:anywhere'><div style='font-weight:600'>{escape_html(labels)}"
        f"</div><div>{ap}</div><div style='opacity:.75;font-size:.875rem'>"
        f"{escape_html(str(run.dataset.manifest['text'].iloc[row]))}</div></div></div>"
    )
    alike = set(look_alikes(run, place, results))
    why = _causes(run, failures, place, len(alike))
    with st.container(horizontal=True, gap="small", key="causes"):
        for cause in why or ["nothing stands out"]:
            st.badge(escape_markdown(cause), color="orange" if why else "gray")
    pairs = [_pair(run, row, result) for result in results if result.row in alike]
    image_pairs.show_pairs(pairs, few=2, width_rem=10)
    tiles = tuple(_result_tile(run, neighbour, rank) for rank, neighbour in enumerate(results, 1))
    clicked = gallery.show_gallery(
        [gallery.TileGroup(tiles)],
        key="top",
        label="First results",
        tile_px=84,
        on_search=lambda one: state.search_next(dataset_ref(int(one))),
    )
    if clicked:
        opened = notices.opened(run.id)
        show_drawer(
            int(clicked),
            run.dataset,
            gallery_key="top",
            titles={one.row: f"Result {rank}" for rank, one in enumerate(results, 1)},
            opened=opened,
            query=query_panel.of_row(row, opened),
            compares_query=True,
        )
    nearest = nearest_relevant(run, place)
    if nearest is not None:
        names = escape_markdown(run.described(nearest.row))
        st.markdown(
            f"Nearest relevant image: **{nearest.distance} of {run.bits} bits** away ({names})."
        )
    st.html(bit_strip.one_code("".join(map(str, (run.query_codes[place].signs()[0] > 0) * 1))))
    with st.container(horizontal=True, key="failure_buttons"):
        if st.button("Open in Search", icon=":material/image_search:"):
            curves_parts.search(row, run.id)
        if not is_review:
            report_button.show_report_button(
                _entry(run, place, labels, ap, why, results), None, key=f"failure_{place}"
            )


def _causes(run: OpenRun, failures: Failures, place: int, n_alike: int) -> list[str]:
    why = failures.causes(place)
    if n_alike:
        why.append(f"looks like {plural(n_alike, 'image')} with another label")
    if (
        n_weak := cached.analysis.n_weak_bits(run.id, place)
    ) is not None and n_weak >= run.bits / 4:
        why.append(f"weak bits: {n_weak} of {run.bits}")
    return why


def _pair(run: OpenRun, row: int, result: Neighbour) -> ImagePair:
    """The query beside a wrong result that is nearly the same picture."""
    manifest, rows = run.dataset.manifest, (row, result.row)
    first, second = (thumb_url(run.dataset.info.name, run.sha256(one)) for one in rows)
    names = [str(manifest["text"].iloc[one] or manifest["image_id"].iloc[one]) for one in rows]
    labels = [", ".join(run.label_names(one)) or "no label" for one in rows]
    return ImagePair(
        f"Looks alike, other label: {result.distance} of {run.bits} bits differ",
        (first, second),
        (names[0], names[1]),
        (labels[0], labels[1]),
    )


def _entry(
    run: OpenRun, place: int, labels: str, ap: str, why: list[str], results: list[Neighbour]
) -> Entry:
    """The query and its results as the report shows them."""
    query = Picture(sha256=run.sha256(int(run.query_rows[place])), caption=f"query: {labels}")
    failures = tuple(
        Picture(
            sha256=run.sha256(neighbour.row),
            caption=f"{neighbour.distance} bits: {', '.join(run.label_names(neighbour.row))}",
            mark="yes" if neighbour.is_relevant else "no",
        )
        for neighbour in results
    )
    reasons = f" Possible causes: {'; '.join(why)}." if why else ""
    return Entry(
        f"A failure of {run.label}: {labels}",
        finding=f"{ap}.{reasons}",
        runs=(run.id,),
        pictures=(query, *failures),
    )


def _query_tile(run: OpenRun, failures: Failures, row: pd.Series) -> gallery.Tile:
    place, image = int(row["place"]), int(row["row"])
    labels = run.described(image)
    mostly = failures.mostly(place)
    drop = row.get("drop")
    fact = f"AP {100 * row['ap']:.0f}" + (
        "" if drop is None or drop != drop else f" −{100 * drop:.0f}"
    )
    return gallery.Tile(
        id=str(place),
        src=thumb_url(run.dataset.info.name, run.sha256(image)),
        name=f"query {place}, {labels}, {fact} percent" + (f", finds {mostly}" if mostly else ""),
        caption=f"{labels} → {mostly}" if mostly else labels,
        fact=fact,
    )


def _result_tile(run: OpenRun, neighbour: Neighbour, rank: int) -> gallery.Tile:
    labels = run.described(neighbour.row)
    word = "relevant" if neighbour.is_relevant else "not relevant"
    return gallery.Tile(
        id=str(neighbour.row),
        src=thumb_url(run.dataset.info.name, run.sha256(neighbour.row)),
        name=f"result {rank}, distance {neighbour.distance} of {run.bits}, {word}, {labels}",
        caption=labels,
        fact=str(neighbour.distance),
        mark="yes" if neighbour.is_relevant else "no",
    )


def _other_run(run: OpenRun, ranking: str) -> Failures | None:
    """The run to compare with: another one on the same queries."""
    choices = {
        choice.id: choice.label
        for choice in cached.library.runs(run.dataset.info.name)
        if choice.id != run.id and choice.map is not None
    }
    if not choices:
        st.caption("There is no other measured run.")
        return None
    chosen = st.selectbox("Against", list(choices), format_func=choices.__getitem__, key="against")
    if cached.analysis.ranking_of(chosen) != ranking:
        st.caption(
            escape_markdown(f"{choices[chosen]} is not measured by {ranking_in_words(ranking)}.")
        )
        return None
    return cached.analysis.failures(chosen, ranking)


def _forget_pair() -> None:
    st.session_state.pop(_PAIR, None)


def _show_worst() -> None:
    st.session_state["failures_view"] = WORST
