"""mAP by code length: a line with points and intervals a model, cosine and baselines as rules."""

from __future__ import annotations

import altair as alt
import pandas as pd

from dashboard.charts.palette import NEUTRAL, Style, styles

_Y = "mAP (%)"
_APART = 0.055  # share of the height that a line of words needs
_DASHES = [5, 4]
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
        *_flat_layers(_cosine_rules(cosine), _DASHES),
        *_baseline_layers(baselines),
        *_word_layers(rows, cosine, baselines),
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


def _cosine_rules(cosine: pd.DataFrame) -> pd.DataFrame:
    """Columns percent and words of the real-valued rankings; names only where there are several."""
    names = [f" {name}" if len(cosine) > 1 else "" for name in cosine["backbone"]]
    percents = [100 * value for value in cosine["map"]]
    words = [f"cosine{name} {value:.1f}" for name, value in zip(names, percents, strict=True)]
    return pd.DataFrame({"percent": pd.Series(percents, dtype=float), "words": words})


def _flat_rules(baselines: pd.DataFrame | None) -> pd.DataFrame:
    """Columns percent and words of the baselines that are the same at every length."""
    flat = pd.DataFrame() if baselines is None else baselines[baselines["bits"].isna()]
    rows = flat.to_dict("records")
    percents = [100 * row["map"] for row in rows]
    words = [f"{row['name']} {100 * row['map']:.1f}" for row in rows]
    return pd.DataFrame({"percent": pd.Series(percents, dtype=float), "words": words})


def _flat_layers(rules: pd.DataFrame, dash: list[int]) -> list[alt.Chart]:
    """A rule across the chart for each row."""
    if rules.empty:
        return []
    rule = alt.Chart(rules[["percent"]]).mark_rule(color=NEUTRAL, strokeDash=dash, strokeWidth=1.5)
    return [rule.encode(y=alt.Y("percent:Q", title=_Y))]


def _word_layers(
    rows: pd.DataFrame, cosine: pd.DataFrame, baselines: pd.DataFrame | None
) -> list[alt.Chart]:
    """The words of all rules at the right edge, moved apart where they would touch."""
    rules = pd.concat([_cosine_rules(cosine), _flat_rules(baselines)], ignore_index=True)
    if rules.empty:
        return []
    shown = _in_percent(rows)
    low = min(shown["low"].min(), rules["percent"].min())
    high = max(shown["high"].max(), rules["percent"].max())
    rules["place"] = spread(list(rules["percent"]), _APART * (high - low) * 1.15)
    words = alt.Chart(rules[["place", "words"]]).mark_text(
        color=NEUTRAL, align="left", baseline="middle", dx=6, fontSize=12
    )
    return [
        words.encode(y=alt.Y("place:Q", title=_Y), x=alt.value("width"), text="words:N"),
    ]


def spread(values: list[float], gap: float) -> list[float]:
    """The values, moved apart evenly where neighbours are nearer than `gap`."""
    groups: list[list[int]] = []
    for place in sorted(range(len(values)), key=values.__getitem__):
        groups.append([place])
        while (
            len(groups) > 1 and _low(groups[-1], values, gap) - _high(groups[-2], values, gap) < gap
        ):
            last = groups.pop()
            groups[-1] += last
    moved = list(values)
    for group in groups:
        for step, place in enumerate(group):
            moved[place] = _low(group, values, gap) + step * gap
    return moved


def _low(group: list[int], values: list[float], gap: float) -> float:
    """The lowest place of a group that is centred on its mean."""
    return sum(values[place] for place in group) / len(group) - gap * (len(group) - 1) / 2


def _high(group: list[int], values: list[float], gap: float) -> float:
    return _low(group, values, gap) + gap * (len(group) - 1)


def _baseline_layers(baselines: pd.DataFrame | None) -> list[alt.Chart]:
    """Dotted rules for what is the same at every length, a dotted line for what is not."""
    layers = _flat_layers(_flat_rules(baselines), _DOTS)
    if baselines is None or (sloped := baselines[baselines["bits"].notna()]).empty:
        return layers
    table = sloped.assign(percent=100 * sloped["map"])
    table["words"] = [f"{row['name']} {row['percent']:.1f}" for row in table.to_dict("records")]
    base = alt.Chart(table[["percent", "bits", "words"]].astype({"bits": int}))
    x = alt.X("bits:O", title="Code length (bits)", axis=alt.Axis(labelAngle=0))
    value = alt.Y("percent:Q", title=_Y)
    line = base.mark_line(color=NEUTRAL, strokeDash=_DOTS, strokeWidth=1.5, point=_POINT)
    words = base.mark_text(color=NEUTRAL, baseline="top", dy=6, fontSize=12)
    return [*layers, line.encode(x=x, y=value), words.encode(x=x, y=value, text="words:N")]
