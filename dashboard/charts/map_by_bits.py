"""mAP by code length: a line with points and intervals a model, cosine and baselines as rules."""

from __future__ import annotations

import altair as alt
import pandas as pd

from dashboard.charts.palette import NEUTRAL, Style, styles

_Y = "mAP (%)"
_DOTS, _POINT = [1, 3], {"color": NEUTRAL, "size": 20}


def map_by_bits(
    rows: pd.DataFrame,
    cosine: pd.DataFrame,
    methods: list[str],
    baselines: pd.DataFrame | None = None,
) -> alt.LayerChart:
    """The chart.

    Args:
        rows: columns model, method, bits, map, half (shares in [0, 1]).
        cosine: columns backbone, map; a labelled rule each.
        methods: all methods that may ever be shown beside these, so that colours stay.
        baselines: columns name, map, bits (None: the same at every length); dotted.
    """
    method_of = dict(zip(rows["model"], rows["method"], strict=True))
    look = styles([*methods, *method_of.values()])
    used = {model: look[method] for model, method in method_of.items()}
    layers = [
        *_model_layers(_in_percent(rows), used),
        *_cosine_layers(cosine),
        *_baseline_layers(baselines),
    ]
    return alt.LayerChart(layer=layers).properties(height=320)


def _in_percent(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(
        percent=100 * rows["map"],
        low=100 * (rows["map"] - rows["half"]),
        high=100 * (rows["map"] + rows["half"]),
    )[["model", "bits", "percent", "low", "high"]]


def _model_layers(shown: pd.DataFrame, used: dict[str, Style]) -> list[alt.Chart]:
    """Line, interval and point of each model, side by side at each code length."""
    models = list(used)
    legend = alt.Legend(
        title=None,
        orient="top",
        columns=2,
        labelLimit=320,
        symbolSize=110,
        symbolStrokeWidth=0,  # the shape alone, without outline and dash of the line
    )
    colours = alt.Scale(domain=models, range=[one.colour for one in used.values()])
    shapes = alt.Scale(domain=models, range=[one.shape for one in used.values()])
    dashes = alt.Scale(domain=models, range=[one.dash for one in used.values()])
    scale = alt.Scale(zero=False, padding=12)
    base = alt.Chart(shown).encode(
        x=alt.X("bits:O", title="Code length (bits)", axis=alt.Axis(labelAngle=0)),
        xOffset=alt.XOffset("model:N", sort=models),
        tooltip=[
            alt.Tooltip("model:N", title="Model"),
            alt.Tooltip("bits:O", title="Bits"),
            alt.Tooltip("percent:Q", title="mAP %", format=".1f"),
            alt.Tooltip("low:Q", title="from", format=".1f"),
            alt.Tooltip("high:Q", title="to", format=".1f"),
        ],
    )
    colour = alt.Color("model:N", sort=models, scale=colours, legend=legend)
    value = alt.Y("percent:Q", title=_Y, scale=scale)
    return [
        base.mark_line(strokeWidth=2).encode(
            y=value,
            color=colour,
            strokeDash=alt.StrokeDash("model:N", sort=models, scale=dashes, legend=legend),
        ),
        base.mark_rule(strokeWidth=2).encode(
            y=alt.Y("low:Q", title=_Y, scale=scale), y2="high:Q", color=colour
        ),
        base.mark_point(size=100, filled=True, opacity=1).encode(
            y=value,
            color=colour,
            shape=alt.Shape("model:N", sort=models, scale=shapes, legend=legend),
        ),
    ]


def _cosine_layers(cosine: pd.DataFrame) -> list[alt.Chart]:
    """A dashed rule for each backbone, and its words at the right."""
    if cosine.empty:
        return []
    names = [f" {name}" if len(cosine) > 1 else "" for name in cosine["backbone"]]
    words = [
        f"cosine{name} {100 * value:.1f}" for name, value in zip(names, cosine["map"], strict=True)
    ]
    base = alt.Chart(pd.DataFrame({"percent": 100 * cosine["map"], "words": words}))
    rule = base.mark_rule(color=NEUTRAL, strokeDash=[5, 4], strokeWidth=1.5)
    text = base.mark_text(color=NEUTRAL, align="left", baseline="middle", dx=6, fontSize=12)
    return [
        rule.encode(y=alt.Y("percent:Q", title=_Y)),
        text.encode(y=alt.Y("percent:Q", title=_Y), x=alt.value("width"), text="words:N"),
    ]


def _baseline_layers(baselines: pd.DataFrame | None) -> list[alt.Chart]:
    """Dotted rules for what is the same at every length, a dotted line for what is not."""
    if baselines is None or baselines.empty:
        return []
    table = baselines.assign(percent=100 * baselines["map"])
    table["words"] = [f"{row['name']} {row['percent']:.1f}" for row in table.to_dict("records")]
    flat, sloped = table[table["bits"].isna()], table[table["bits"].notna()]
    value = alt.Y("percent:Q", title=_Y)
    layers = []
    if not flat.empty:
        base = alt.Chart(flat[["percent", "words"]])
        words = base.mark_text(color=NEUTRAL, align="left", baseline="middle", dx=6, fontSize=12)
        layers += [
            base.mark_rule(color=NEUTRAL, strokeDash=_DOTS, strokeWidth=1.5).encode(y=value),
            words.encode(y=value, x=alt.value("width"), text="words:N"),
        ]
    if not sloped.empty:
        base = alt.Chart(sloped[["percent", "bits", "words"]].astype({"bits": int}))
        x = alt.X("bits:O", title="Code length (bits)", axis=alt.Axis(labelAngle=0))
        line = base.mark_line(color=NEUTRAL, strokeDash=_DOTS, strokeWidth=1.5, point=_POINT)
        words = base.mark_text(color=NEUTRAL, baseline="top", dy=6, fontSize=12)
        layers += [
            line.encode(x=x, y=value),
            words.encode(x=x, y=value, text="words:N"),
        ]
    return layers
