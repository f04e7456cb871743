"""Files of a report: one HTML page that needs nothing else, a bundle of CSV, a JSON manifest.

Everything that people or files have named is escaped, and no script is in the page: what it shows
is text, tables, SVG and pictures in the page itself, and a policy forbids the browser to load more.
"""

from __future__ import annotations

import base64
import io
import json
import re
import zipfile
from collections.abc import Callable, Mapping, Sequence

from dashboard.services import chart_files
from dashboard.services.report_basket import Basket, Item, Picture
from dashboard.services.results_table import to_csv
from pipeline.analysis.acceptance_checks import Condition
from pipeline.wording import escape_html

Thumb = Callable[[str], bytes | None]  # content hash -> WebP of at most 256 px
_MARKS = {"yes": "✓ relevant", "no": "✗ not relevant", "unknown": "? unknown", "": ""}
_MOST_TABLE_ROWS = 60  # in the page; the CSV has all
_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;color:#1b2530;background:#fff;max-width:60rem;
margin:2rem auto;padding:0 1rem}h1{margin-bottom:.2rem}h2{margin:2rem 0 .3rem;font-size:1.2rem}
.fact{color:#52606d;font-size:.85rem}table{border-collapse:collapse;font-size:.82rem;margin:.6rem 0}
td,th{border:1px solid #d5dde5;padding:.2rem .5rem;text-align:left}th{background:#f3f6f9}
.wide{overflow-x:auto}svg{max-width:100%;height:auto}.note{border-left:3px solid #1d5f8f;
padding-left:.8rem;white-space:pre-wrap}.pictures{display:flex;flex-wrap:wrap;gap:.6rem}
figure{margin:0;width:8rem;font-size:.75rem;overflow-wrap:anywhere}figure img{width:100%}
.pass{color:#00664a}.warn{color:#8a5a00}.fail{color:#a63a00;font-weight:700}
@media print{body{margin:0;max-width:none}section{break-inside:avoid}.wide{overflow:visible}}
"""
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def to_html(
    basket: Basket,
    conditions: Mapping[str, Sequence[Condition]],
    thumb: Thumb,
    facts: Mapping[str, str],
) -> bytes:
    """The page.

    Args:
        basket: what is in it.
        conditions: of each run, by its label.
        thumb: gives pictures by content hash; None where one is gone.
        facts: name and value of what belongs below every report: time, version, licence.
    """
    title = escape_html(basket.title or "Report")
    parts = [
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>",
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        "<meta name='viewport' content='width=device-width,initial-scale=1'>",
        f"<title>{title}</title><style>{_STYLE}</style></head><body><h1>{title}</h1>",
        f"<p class='fact'>{escape_html(basket.author)}</p>" if basket.author else "",
        f"<p class='note'>{_lines(basket.summary)}</p>" if basket.summary else "",
        _conditions(conditions),
        *(_section(item, thumb) for item in basket.items),
        "<hr><table>",
        *(
            f"<tr><th>{escape_html(name)}</th><td>{escape_html(value)}</td></tr>"
            for name, value in facts.items()
        ),
        "</table></body></html>",
    ]
    return "".join(parts).encode()


def to_bundle(basket: Basket, conditions: Mapping[str, Sequence[Condition]]) -> bytes:
    """A zip with a CSV for each table, whose cells no spreadsheet runs as formulas."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as bundle:
        for number, item in enumerate(basket.items, 1):
            if item.columns:
                name = re.sub(r"[^a-z0-9]+", "-", item.title.lower()).strip("-")[:60]
                bundle.writestr(f"{number:02d}-{name or 'table'}.csv", to_csv(item.table))
        rows = ["run,condition,outcome,found"]
        for run, found in conditions.items():
            rows += [",".join(_cell(v) for v in (run, c.name, c.outcome, c.found)) for c in found]
        bundle.writestr("conditions.csv", "\n".join(rows) + "\n")
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
            run: [{"name": c.name, "outcome": c.outcome, "found": c.found} for c in found]
            for run, found in conditions.items()
        },
    }
    return json.dumps(manifest, indent=2, ensure_ascii=False).encode()


def _section(item: Item, thumb: Thumb) -> str:
    parts = [f"<section><h2>{escape_html(item.title)}</h2>"]
    if item.finding:
        parts.append(f"<p>{escape_html(item.finding)}</p>")
    if item.note:
        parts.append(f"<p class='note'>{_lines(item.note)}</p>")
    drawn = _chart(item)
    parts.append(drawn)
    if item.columns and not (drawn and len(item.rows) > _MOST_TABLE_ROWS):
        parts.append(_table(item))
    if item.pictures:
        figures = "".join(_figure(picture, thumb) for picture in item.pictures)
        parts.append(f"<div class='pictures'>{figures}</div>")
    if item.protocol:
        parts.append(f"<p class='fact'>{escape_html(item.protocol)}</p>")
    if item.link.startswith(("http://", "https://")):
        address = escape_html(item.link)
        parts.append(f"<p class='fact'><a href='{address}'>Open this in HashLens</a></p>")
    return "".join([*parts, "</section>"])


def _chart(item: Item) -> str:
    """The chart as SVG; empty where there is none or it cannot be drawn."""
    if not item.chart:
        return ""
    try:
        return f"<div class='wide'>{chart_files.to_svg(item.chart).decode()}</div>"
    except chart_files.RenderError:
        return ""


def _table(item: Item) -> str:
    head = "".join(f"<th>{escape_html(name)}</th>" for name in item.columns)
    rows = "".join(
        "<tr>" + "".join(f"<td>{escape_html(_text(cell))}</td>" for cell in row) + "</tr>"
        for row in item.rows[:_MOST_TABLE_ROWS]
    )
    rest = len(item.rows) - _MOST_TABLE_ROWS
    more = f"<p class='fact'>{rest} more rows are in the CSV bundle.</p>" if rest > 0 else ""
    return f"<div class='wide'><table><tr>{head}</tr>{rows}</table></div>{more}"


def _figure(picture: Picture, thumb: Thumb) -> str:
    caption = escape_html(picture.caption)
    mark = f"<br>{_MARKS[picture.mark]}" if picture.mark else ""
    content = thumb(picture.sha256)
    if content is None:
        return f"<figure>(picture is gone)<figcaption>{caption}{mark}</figcaption></figure>"
    source = "data:image/webp;base64," + base64.b64encode(content).decode()
    return (
        f"<figure><img src='{source}' alt='{caption}'><figcaption>{caption}{mark}</figcaption>"
        "</figure>"
    )


def _conditions(conditions: Mapping[str, Sequence[Condition]]) -> str:
    if not conditions:
        return ""
    rows = "".join(
        f"<tr><td>{escape_html(run)}</td><td>{escape_html(one.name)}</td>"
        f"<td class='{one.outcome}'>{one.outcome}</td><td>{escape_html(one.found)}</td></tr>"
        for run, found in conditions.items()
        for one in found
    )
    return (
        "<section><h2>Conditions</h2><table><tr><th>Run</th><th>Condition</th><th>Outcome</th>"
        f"<th>Found</th></tr>{rows}</table></section>"
    )


def _lines(text: str) -> str:
    return "<br>".join(escape_html(line) for line in text.splitlines())


def _text(cell: object) -> str:
    if cell is None:
        return "–"
    return f"{cell:.4g}" if isinstance(cell, float) else str(cell)


def _cell(value: str) -> str:
    """A CSV cell that is text, never a formula."""
    safe = f"'{value}" if value.startswith(("=", "+", "-", "@", "\t", "\r")) else value
    return '"' + safe.replace('"', '""') + '"'
