"""Tables of runs, for the terminal and for docs/benchmarks/.

The documents are what the runs in benchmarks/results/ say: `python -m benchmarks docs` writes them,
and a test fails when one is stale.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from benchmarks.frame import Row, Run, Subject
from pipeline.cli.documents import rewritten
from pipeline.files import write_atomic

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
INDEX = ROOT / "docs" / "benchmarks.md"
DOCUMENTS = ROOT / "docs" / "benchmarks"
_MARKER = "subjects"


def save(run: Run, folder: Path) -> Path:
    """Write a run as JSON; one of the same subject and size is replaced."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{run.subject}-{run.size}.json"
    write_atomic(path, run.model_dump_json(indent=1) + "\n")
    return path


def load(subject: str, folder: Path = RESULTS) -> list[Run]:
    """The runs of a subject that a folder has, the smallest size first."""
    runs = [Run.model_validate_json(p.read_text("utf-8")) for p in folder.glob(f"{subject}-*.json")]
    return sorted((run for run in runs if run.subject == subject), key=lambda run: run.size)


def tables(runs: Sequence[Run], unit: str, heading: str = "") -> str:
    """A Markdown table for each group of cases, with all sizes."""
    groups = dict.fromkeys(row.group for run in runs for row in run.rows)
    parts = []
    for group in groups:
        lines = [(run, row) for run in runs for row in run.rows if row.group == group]
        parts.append((f"{heading} {group}".strip() + "\n\n" if group else "") + _table(lines, unit))
    return "\n\n".join(parts)


def document(subject: Subject, runs: Sequence[Run]) -> str:
    """The document of a subject."""
    sizes = ",".join(str(run.size) for run in runs)
    return (
        "\n\n".join(
            (
                f"# {subject.title}",
                subject.protocol,
                f"**Peer**: {subject.peer} **Bound**: {subject.bound}",
                f"`python -m benchmarks {subject.name} --sizes {sizes}`; [how to read the tables]"
                "(../benchmarks.md#how-to-read-the-tables).",
                tables(runs, subject.unit, "##"),
                _origin(runs),
            )
        ).rstrip()
        + "\n"
    )


def index(subjects: Iterable[Subject]) -> str:
    """A row for our first case of each group that has a peer, at the largest size where it has."""
    lines = [
        "| subject | what | size | peer ÷ this | this ÷ bound |",
        "| --- | --- | ---: | ---: | ---: |",
    ]
    for subject in subjects:
        largest: dict[str, tuple[Run, Row]] = {}
        for run in load(subject.name):
            first: dict[str, tuple[Run, Row]] = {}
            for row in run.rows:
                if row.role == "ours" and run.ratio(row, "peer"):
                    first.setdefault(row.group, (run, row))
            largest |= first
        link = f"[{subject.title}](benchmarks/{subject.name}.md)"
        for run, row in largest.values():
            what = f"{row.group}: {row.what}" if row.group else row.what
            lines.append(f"| {link} | {what} | {run.size:,} | {' | '.join(_ratios(run, row))} |")
            link = ""
    return "\n".join(lines)


def write(subjects: Sequence[Subject]) -> list[Path]:
    """Write the index and the documents of subjects with results; returns those that changed."""
    texts = {
        DOCUMENTS / f"{s.name}.md": document(s, runs) for s in subjects if (runs := load(s.name))
    }
    texts[INDEX] = rewritten(INDEX.read_text("utf-8"), _MARKER, index(subjects))
    changed = [p for p, text in texts.items() if not p.exists() or p.read_text("utf-8") != text]
    for path in changed:
        path.parent.mkdir(exist_ok=True)
        path.write_text(texts[path], "utf-8")
    return changed


def _table(lines: Sequence[tuple[Run, Row]], unit: str) -> str:
    names = list(dict.fromkeys(n for _, row in lines for n in row.figures if n != "count"))
    rates = any("count" in row.figures for _, row in lines)
    heads = ["size", "what", "s", "CPU s", "MiB"]
    second = "CPU s" if lines[0][0].clock == "cpu_s" else "s"
    heads += [f"{unit}/{second}"] * rates + ["peer ÷ this", "this ÷ bound", *names]
    table = [heads, ["---:", "---", *["---:"] * (len(heads) - 2)]]
    for run, row in lines:
        cells = [f"{run.size:,}", f"**{row.what}**" if row.role == "ours" else row.what]
        if row.failed:
            cells += [f"failed: {row.failed}", *[""] * (len(heads) - 3)]
        else:
            cells += [_number(row.wall_s), _number(row.cpu_s), f"{row.peak_mib:,.0f}"]
            if rates:
                count = row.figures.get("count")
                cells.append("" if count is None else _number(count / getattr(row, run.clock)))
            cells += _ratios(run, row)
            cells += [_number(row.figures[n]) if n in row.figures else "" for n in names]
        table.append(cells)
    return "\n".join(f"| {' | '.join(cells)} |" for cells in table)


def _ratios(run: Run, row: Row) -> list[str]:
    """How often the peer's time holds this one, and this one the bound's."""
    peer, bound = run.ratio(row, "peer"), run.ratio(row, "bound")
    return ["" if not peer else _number(1 / peer), "" if bound is None else _number(bound)]


def _number(value: float) -> str:
    """Three digits that matter; whole from 100 on."""
    if value == int(value) or value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}" if value >= 1 else f"{value:.3g}"


def _origin(runs: Sequence[Run]) -> str:
    lines = ["Measured:", ""]
    for run in runs:
        before, after = run.load
        parts = [f"{run.size:,}: {run.date}, commit {run.commit}, {run.machine}"]
        parts.append(f"{run.threads} thread{'s' * (run.threads > 1)}")
        parts.append(f"load {before:.1f} before and {after:.1f} after")
        parts += [run.note] if run.note else []
        lines.append(f"- {'; '.join(parts)}")
    used = runs[-1].versions if runs else {}
    lines += ["", ", ".join(f"{name} {number}" for name, number in used.items())]
    return "\n".join(lines)
