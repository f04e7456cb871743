"""Tables of the documents that are generated from the code, each between two markers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pipeline.cli.console import say
from pipeline.files import write_atomic

_ROOT = Path(__file__).resolve().parents[2]


def generated() -> dict[tuple[str, str], Callable[[], str]]:
    """Functions that make each table, by the document and the marker that it stands between."""
    from pipeline.catalog import zoo_details, zoo_summary, zoo_table  # loads all methods
    from pipeline.evaluation.metric_table import metrics_document
    from pipeline.runs.alternatives import alternatives_document
    from pipeline.settings import variables_table

    return {
        ("README.md", "methods"): zoo_summary,
        ("models/README.md", "methods"): zoo_table,
        ("docs/methods.md", "methods"): zoo_details,
        ("docs/evaluation.md", "metrics"): metrics_document,
        ("docs/evaluation.md", "alternatives"): alternatives_document,
        ("docs/settings.md", "settings"): variables_table,
    }


def rewritten(text: str, marker: str, table: str) -> str:
    """The document with a new table between `<!-- marker -->` and `<!-- /marker -->`.

    Raises:
        ValueError: the markers are not in the document.
    """
    begin, end = f"<!-- {marker} -->\n", f"\n<!-- /{marker} -->"
    before, opened, rest = text.partition(begin)
    _, closed, after = rest.partition(end)
    if not (opened and closed):
        raise ValueError(f"the document has no {begin.strip()} ... {end.strip()}")
    return f"{before}{begin}{table}{end}{after}"


def docs() -> None:
    """Write the generated tables of the documents; a test fails when one is stale."""
    for (name, marker), table in generated().items():
        path = _ROOT / name
        text = path.read_text("utf-8")
        new = rewritten(text, marker, table())
        if new != text:
            write_atomic(path, new, is_noted=False)
            say(f"{name}: {marker}")
