"""P@10 and NDCG@10 of judged runs: a point with its interval per run and measure."""

from __future__ import annotations

import altair as alt
import pandas as pd

from dashboard.charts.palette import COLOURS

_MEASURES = {"P@10": (COLOURS[0], "circle"), "NDCG@10": (COLOURS[1], "square")}
_ROW, _FRAME = 44, 100  # pixels of a run; of legend and axis
_LABELS = alt.Axis(labelLimit=230, labelFontSize=12, ticks=False)


def judged_runs(table: pd.DataFrame) -> alt.LayerChart:
    """Chart of the runs from top to bottom.

    Args:
        table: columns Run, and in percent `P@10 %`, `P@10 from`, `P@10 to`, the same of NDCG@10.
    """
    shown = pd.concat(
        pd.DataFrame(
            {
                "run": table["Run"],
                "measure": name,
                "percent": table[f"{name} %"],
                "low": table[f"{name} from"],
                "high": table[f"{name} to"],
            }
        )
        for name in _MEASURES
    )
    names = list(_MEASURES)
    colours = alt.Scale(domain=names, range=[colour for colour, _ in _MEASURES.values()])
    shapes = alt.Scale(domain=names, range=[shape for _, shape in _MEASURES.values()])
    legend = alt.Legend(title=None, orient="top", symbolSize=110, symbolStrokeWidth=0)
    title = "Mean over queries (%), 95 % interval"
    base = alt.Chart(shown).encode(
        y=alt.Y("run:N", sort=None, title=None, axis=_LABELS),
        yOffset=alt.YOffset("measure:N", sort=names),
        color=alt.Color("measure:N", sort=names, scale=colours, legend=legend),
        tooltip=[
            alt.Tooltip("run:N", title="Run"),
            alt.Tooltip("measure:N", title="Measure"),
            alt.Tooltip("percent:Q", title="%", format=".1f"),
            alt.Tooltip("low:Q", title="from", format=".1f"),
            alt.Tooltip("high:Q", title="to", format=".1f"),
        ],
    )
    scale = alt.Scale(zero=False, padding=10)
    layers = [
        base.mark_rule(strokeWidth=2).encode(
            x=alt.X("low:Q", title=title, scale=scale), x2="high:Q"
        ),
        base.mark_point(size=100, filled=True, opacity=1).encode(
            x=alt.X("percent:Q", title=title, scale=scale),
            shape=alt.Shape("measure:N", sort=names, scale=shapes, legend=legend),
        ),
    ]
    return alt.LayerChart(layer=layers).properties(height=_ROW * len(table) + _FRAME)
