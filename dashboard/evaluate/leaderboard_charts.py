"""The further views of the leaderboard: heat table, trade-offs, published figures."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import streamlit as st

from dashboard import cached
from dashboard.charts.heat_table import heat_table
from dashboard.charts.kind_and_thing import kind_and_thing as chart
from dashboard.charts.tradeoff import PICK, tradeoff
from dashboard.evaluate import copies_offer, leaderboard_compare, leaderboard_table
from dashboard.widgets import chart_panel
from dashboard.widgets.fragments import isolated_fragment
from dashboard.widgets.report_button import Entry
from pipeline.analysis.comparisons import Comparison
from pipeline.analysis.kind_and_thing import references
from pipeline.analysis.leaderboard import Leaderboard
from pipeline.analysis.published_figures import published_table
from pipeline.analysis.tradeoffs import COSTS, front_finding, is_wide, with_front
from pipeline.evaluation.rankings import HAMMING
from pipeline.evaluation.relevance import COPIES
from pipeline.wording import escape_markdown


def heat(rows: pd.DataFrame, comparison: Comparison) -> None:
    """Every model at every code length by its mAP."""
    best = rows.iloc[0]
    chart_panel.show_chart(
        heat_table(rows),
        leaderboard_table.pivot(rows),
        alt=f"mAP of {rows['model'].nunique()} models by code length; best is {best['model']} at "
        f"{best['bits']} bits with {100 * best['map']:.1f} percent.",
        key="heat_table",
        entry=Entry(
            "mAP by model and code length",
            protocol=comparison.sentence,
            runs=tuple(rows["run"]),
        ),
    )
    st.caption("mAP in percent; the frame marks the best of each code length.")


def tradeoffs(rows: pd.DataFrame, found: Leaderboard, comparison: Comparison) -> None:
    """What mAP costs, with what nothing else beats on both."""
    title = st.segmented_control(
        "Cost", list(COSTS), default=next(iter(COSTS)), required=True, key="cost"
    )
    cost = COSTS.get(title, next(iter(COSTS.values())))
    table = with_front(rows, cost, found.alternatives)
    if table.empty:
        st.info("These runs have not measured this cost; evaluate them again.")
        return
    sentence = front_finding(table, cost)
    st.markdown(escape_markdown(sentence))
    picked = chart_panel.show_chart(
        tradeoff(
            table,
            list(found.rows["method"]),
            found.baselines,
            title=cost.title,
            is_log=bool((table["cost"] > 0).any()) and (cost.is_log or is_wide(table["cost"])),
        ),
        _readable(table, cost.title),
        alt=f"mAP against {cost.title.lower()}. {sentence}",
        key=f"tradeoff_{cost.column}",
        pick=PICK,
        entry=Entry(
            f"mAP against {cost.title.lower()}",
            finding=sentence,
            protocol=comparison.sentence,
            runs=tuple(run for run in table["run"] if run),
        ),
    )
    st.caption(
        "Dotted line: the front, which nothing else beats on both; others are paler. Grey: the "
        "same features stored otherwise, without labels. Search is an exact scan in memory on one "
        "core of this machine. Click a method to compare it with the best other run."
    )
    chosen = {str(one.get("run")) for one in picked} - {""}
    if chosen:
        beside = rows[~rows["run"].isin(chosen)]["run"].head(1)  # the best of the others
        leaderboard_compare.show(rows[rows["run"].isin(chosen | set(beside))], comparison)


def same_kind_and_thing(rows: pd.DataFrame, found: Leaderboard, comparison: Comparison) -> None:
    """Whether methods find images of a kind, and edited images again; nothing by copies alone."""
    if comparison.relevance == COPIES:
        return
    st.subheader("Same kind against same thing", anchor=False)
    both = cached.analysis.kind_and_thing(rows)
    names = {row["run"]: row["model"] for row in rows.to_dict("records")}
    if not both.rows.empty:
        st.markdown(escape_markdown(both.finding))
        beside = references(
            found, cached.runs.board(replace(comparison, relevance=COPIES, ranking=HAMMING))
        )
        chart_panel.show_chart(
            chart(both.rows, list(found.rows["method"]), beside),
            _readable_both(both.rows),
            alt=f"mAP by copies against mAP by {comparison.relevant}. {both.finding}",
            key="kind_and_thing",
            entry=Entry(
                "Same kind against same thing",
                finding=both.finding,
                protocol=comparison.sentence,
                runs=tuple(both.rows["run"]),
            ),
        )
        st.caption(
            escape_markdown(
                f"Right: images relevant by {comparison.relevant} come first. Up: images of the "
                "database, edited, find their originals. Bars: 95 % intervals over queries for one "
                "seed, standard deviations for several. Which edits a run survives: Failures, "
                "Robustness."
            )
        )
    copies_offer.show_offer({run: names.get(run, run) for run in both.unmeasured})


def _readable_both(table: pd.DataFrame) -> pd.DataFrame:
    percents = {
        title: (100 * table[column].astype(float)).round(1)
        for title, column in (
            ("mAP, same kind", "kind"),
            ("± kind", "kind_half"),
            ("mAP, copies", "thing"),
            ("± copies", "thing_half"),
        )
    }
    return table[["model", "bits"]].rename(columns=str.capitalize).assign(**percents)


@isolated_fragment()
def published(rows: pd.DataFrame, comparison: Comparison) -> None:
    """Figures from papers beside ours."""
    table = published_table(comparison, rows)
    if table.empty:
        return
    with st.expander(
        "Published figures", icon=":material/menu_book:", key="published_open", on_change="rerun"
    ) as opened:
        if not opened.open:
            return
        st.caption(
            "Printed under the protocols they name, on other backbones and images: compare "
            "orderings, not values. mAP in percent."
        )
        st.dataframe(
            table,
            hide_index=True,
            key="published",
            placeholder="–",
            alt="Published figures of these methods beside ours.",
            column_config={
                name: st.column_config.NumberColumn(format="%.1f") for name in ("Ours", "Published")
            },
        )


def _readable(table: pd.DataFrame, cost: str) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "Model": table["model"],
            "Bits": table["bits"],
            "mAP": (100 * table["map"]).round(1),
            cost: table["cost"],
            "On the front": table["is_front"],
        }
    ).sort_values("mAP", ascending=False)
