"""Files of a report: one HTML page that needs nothing else, a bundle of CSV, a JSON manifest.

The template escapes everything that people or files have named, and the page holds no script: what
it shows is text, tables, SVG and pictures in the page itself, and a policy forbids the browser to
load more.
"""

from __future__ import annotations

import base64
import io
import json
import re
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pandas as pd
from jinja2 import Environment, StrictUndefined

from dashboard.services import chart_files
from dashboard.services.report_basket import Basket, Item
from dashboard.services.results_table import to_csv
from pipeline.analysis.acceptance_checks import Condition

Thumb = Callable[[str], bytes | None]  # content hash -> WebP of at most 256 px
_MARKS = {"yes": "✓ relevant", "no": "✗ not relevant", "unknown": "? relevance unknown", "": ""}
_MOST_TABLE_ROWS = 60  # in the page; the CSV has all
_TEMPLATE = Path(__file__).with_name("report.html.j2")


def to_html(
    basket: Basket,
    conditions: Mapping[str, Sequence[Condition]],
    thumb: Thumb,
    facts: Mapping[str, str],
    run_settings: pd.DataFrame,
) -> bytes:
    """Render the report as one HTML page.

    Args:
        basket: what is in it.
        conditions: of each run, by its label.
        thumb: gives pictures by content hash; None where one is gone.
        facts: name and value of what belongs below every report: data, protocol, versions.
        run_settings: a row per setting and a column per run; empty where there is none.
    """
    page = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    page.filters |= {
        "cell": _cell,
        "drawing": _drawing,
        "mark": _MARKS.__getitem__,
        "data_address": lambda picture: picture.source or _data_address(thumb(picture.sha256)),
    }
    page.globals |= {"MARKS": _MARKS, "MOST_TABLE_ROWS": _MOST_TABLE_ROWS}
    template = page.from_string(_TEMPLATE.read_text("utf-8"))
    return template.render(
        basket=basket, conditions=conditions, facts=facts, run_settings=run_settings
    ).encode()


def to_bundle(basket: Basket, conditions: Mapping[str, Sequence[Condition]]) -> bytes:
    """A zip with a CSV for each table, whose cells no spreadsheet runs as formulas."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as bundle:
        for number, item in enumerate(basket.items, 1):
            table = _results(item) if item.strips else item.table
            if len(table.columns):
                name = re.sub(r"[^a-z0-9]+", "-", item.title.lower()).strip("-")[:60]
                written = to_csv(_with_protocol(table, item.protocol))
                bundle.writestr(f"{number:02d}-{name or 'table'}.csv", written)
        rows = [
            (run, check.name, check.outcome, check.found)
            for run, checks in conditions.items()
            for check in checks
        ]
        checked = pd.DataFrame(rows, columns=["run", "condition", "outcome", "found"])
        bundle.writestr("conditions.csv", to_csv(checked))
    return content.getvalue()


def to_manifest(
    basket: Basket,
    conditions: Mapping[str, Sequence[Condition]],
    facts: Mapping[str, str],
    digests: Mapping[str, str],
) -> bytes:
    """What is in the report and where it came from, with the digests of the specs."""
    manifest = {
        "title": basket.title,
        "author": basket.author,
        "finding": basket.finding,
        "facts": dict(facts),
        "entries": [
            {
                "title": item.title,
                "finding": item.finding,
                "note": item.note,
                "protocol": item.protocol,
                "added": item.added,
                "link": item.link,
                "runs": [{"id": run, "spec_sha256": digests.get(run, "")} for run in item.runs],
            }
            for item in basket.items
        ],
        "conditions": {
            run: [{"name": c.name, "outcome": c.outcome, "found": c.found} for c in checks]
            for run, checks in conditions.items()
        },
    }
    return json.dumps(manifest, indent=2, ensure_ascii=False).encode()


def _with_protocol(table: pd.DataFrame, protocol: str) -> pd.DataFrame:
    """The table, each row with the protocol and labels of its numbers."""
    return table.assign(protocol=protocol) if protocol else table


def _results(item: Item) -> pd.DataFrame:
    """The results of a query, a row each."""
    rows = [
        (
            strip.run,
            rank,
            picture.distance,
            strip.bits,
            picture.mark,
            picture.caption,
            picture.sha256,
        )
        for strip in item.strips
        for rank, picture in enumerate(strip.pictures, 1)
    ]
    names = ["run", "rank", "distance", "bits", "relevant", "caption", "sha256"]
    return pd.DataFrame(rows, columns=names)


def _drawing(item: Item) -> str:
    """The chart as SVG, which Vega has escaped; empty where there is none to draw."""
    if not item.chart:
        return ""
    try:
        return chart_files.to_svg(item.chart).decode()
    except chart_files.RenderError:
        return ""


def _data_address(content: bytes | None) -> str:
    """A picture as an address that holds it; empty when it is gone."""
    if content is None:
        return ""
    return "data:image/webp;base64," + base64.b64encode(content).decode()


def _cell(cell: object) -> str:
    """A cell of a table as text."""
    if cell is None:
        return "–"
    return f"{cell:.4g}" if isinstance(cell, float) else str(cell)
