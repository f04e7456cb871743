"""The result of a judging round: figures per run, who wins, who agrees, and queries in dispute."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from dashboard import cached
from dashboard.charts.judged import judged_runs
from dashboard.evaluate import judge_state
from dashboard.evaluate.judge_state import JUDGING
from dashboard.services.thumbs import thumb_url
from dashboard.widgets import chart_panel, gallery
from dashboard.widgets.report_button import Entry
from pipeline.analysis import judged as measured
from pipeline.analysis import judged_tables
from pipeline.analysis.judged import POOLING, Result
from pipeline.analysis.judging import progress_of, verdicts_of
from pipeline.analysis.judging_rounds import JudgingRound
from pipeline.datasets.dataset import RetrievalDataset
from pipeline.wording import escape_markdown, plural

_DISPUTED = 3  # queries that are shown
_MARKS: Mapping[bool, gallery.Mark] = {True: "yes", False: "no"}


def show_result(judged: JudgingRound, dataset: RetrievalDataset, judge: str) -> None:
    """What the round has shown so far.

    Args:
        judged: the round.
        dataset: of the round.
        judge: who judges in this tab; empty for nobody.
    """
    settings = cached.library.settings()
    labels = measured.label_answers(judged, dataset)
    result = measured.read_result(judged, verdicts_of(judged, settings), labels)
    st.subheader(escape_markdown(judged.name), anchor=False)
    known = frozenset(dataset.manifest["sha256"])
    n_left = len(progress_of(judged, judge, known, settings).left) if judge else 0
    _resume(judged, n_left)
    for run in judged.runs:
        if run.problem:
            reason = f"{run.label}: equally near results are in the order of ids: {run.problem}."
            st.caption(escape_markdown(reason))
    st.markdown(f"**{escape_markdown(result.finding)}**")
    st.caption(escape_markdown(result.limits))
    if result.complete:
        _figures(judged, result)
        _duels(result)
    _agreement(result)
    if result.complete and not n_left:
        _disputed(judged, result, dataset)
    st.caption(escape_markdown(judged.protocol))


def _resume(judged: JudgingRound, n_left: int) -> None:
    """A way back for a judge who has something left."""
    if not n_left:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(
            f"You have {plural(n_left, 'judgement')} left; until then the pictures stay hidden.",
            width="content",
        )
        st.button(
            "Resume judging",
            icon=":material/play_arrow:",
            on_click=judge_state.go,
            args=(JUDGING, judged.id),
        )


def _figures(judged: JudgingRound, result: Result) -> None:
    table = judged_tables.run_table(result)
    people = plural(len(result.judges), "judge")
    chart_panel.show_chart(
        judged_runs(table),
        table.round(1).assign(Queries=len(result.complete), **{"Relevant by": people}),
        alt=f"P@10 and NDCG@10 of each run with 95 % intervals. {result.finding}",
        key="judged",
        entry=Entry(
            f"Judged by people: {judged.name}",
            finding=result.finding,
            protocol=f"{judged.protocol} {result.limits}",
        ),
    )
    shown = pd.DataFrame(
        {
            "Run": table["Run"],
            **{
                name: [
                    f"{row[f'{name} %']:.1f} ({row[f'{name} from']:.1f} to {row[f'{name} to']:.1f})"
                    for row in table.to_dict("records")
                ]
                for name in ("P@10", "NDCG@10")
            },
            "Missing": table["Missing"],
        }
    )
    st.dataframe(
        shown,
        hide_index=True,
        key="judged_runs",
        alt="P@10 and NDCG@10 of each run.",
        column_config={
            "P@10": st.column_config.TextColumn(help="Percent, with the 95 % interval."),
            "NDCG@10": st.column_config.TextColumn(help=f"Percent, with its interval. {POOLING}"),
            "Missing": st.column_config.NumberColumn(help="Its results that nobody has judged."),
        },
    )


def _duels(result: Result) -> None:
    st.subheader("Wins, ties and losses", anchor=False)
    st.dataframe(
        judged_tables.duel_table(result).round(1),
        hide_index=True,
        key="duels",
        alt="Queries that each run wins against each other one, by P@10.",
        column_config={
            name: st.column_config.NumberColumn(format="%+.1f")
            for name in ("Difference", "From", "To")
        },
    )
    st.caption(
        "Queries on which the first run has the higher, the same or the lower P@10; difference of "
        "P@10 in points with its paired interval. All intervals hold together with 95 % confidence."
    )


def _agreement(result: Result) -> None:
    if not result.judges:
        return
    st.subheader("Judges", anchor=False)
    given = ", ".join(f"{judge} {n:,} of {result.n_pairs:,}" for judge, n in result.judges.items())
    st.markdown(escape_markdown(f"Judged: {given}."))
    table = judged_tables.agreement_table(result)
    if table.empty:
        st.caption("Agreement needs a second judge, or labels.")
        return
    st.dataframe(
        table.round(2),
        hide_index=True,
        key="agreement",
        placeholder="–",
        alt="How far every two judges agree, and the judges with the labels.",
        column_config={
            "Pairs": st.column_config.NumberColumn(help="Results that both decided."),
            "Same %": st.column_config.NumberColumn(format="%.1f"),
            "Kappa": st.column_config.NumberColumn(
                format="%.2f",
                help="Cohen's kappa: agreement beyond chance, 1 at most, 0 by chance.",
            ),
        },
    )


def _disputed(judged: JudgingRound, result: Result, dataset: RetrievalDataset) -> None:
    """The queries on which judges, then runs, differ most, with what each run found."""
    is_by_judges = len(result.judges) > 1
    title = "Queries in dispute" if is_by_judges else "Where runs differ most"
    st.subheader(title, anchor=False)
    first = "judges differ most, then those on which " if is_by_judges else ""
    st.caption(f"Queries on which {first}runs differ most in P@10, with the first results of each.")
    for place in result.disputed[:_DISPUTED]:
        query = result.complete[place]
        left, right = st.columns([1, 6], gap="medium")
        source = thumb_url(dataset.info.name, query.query)
        left.html(f"<img src='{source}' alt='query' style='width:100%;max-width:9rem'>")
        groups = [
            gallery.TileGroup(
                tuple(
                    _tile(dataset.info.name, digest, rank, result.relevant[query.query, digest])
                    for rank, digest in enumerate(ranking, 1)
                ),
                run.label,
                f"P@10 {100 * figures.precision[place]:.0f} %",
            )
            for run, figures, ranking in zip(judged.runs, result.runs, query.results, strict=True)
        ]
        with right:
            gallery.show_gallery(
                groups,
                key=f"disputed_{place}",
                label="First results of each run",
                tile_px=64,
                is_still=True,
            )


def _tile(dataset: str, digest: str, rank: int, is_relevant: bool) -> gallery.Tile:
    word = "relevant" if is_relevant else "not relevant"
    return gallery.Tile(
        id=digest,
        src=thumb_url(dataset, digest),
        name=f"result {rank}, {word}",
        caption="",
        fact=str(rank),
        mark=_MARKS[is_relevant],
    )
