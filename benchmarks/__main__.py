"""Benchmarks against named peers and the bare bound.

python -m benchmarks [SUBJECT ...] [--sizes 10000,100000] [--threads 1] [--keep] [--note TEXT]
python -m benchmarks docs

Prints a table per subject and writes it as JSON to benchmarks/latest/, which git ignores; --keep
writes to benchmarks/results/ instead, from which `docs` makes docs/benchmarks/.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from benchmarks import documents
from benchmarks.frame import Subject, measured, run_subject

NAMES = ("evaluation", "encoding", "ingest", "search", "filtered", "training", "pages", "load")
_SMALLEST = 1000  # images below which the cases have too few to compute with
_LATEST = documents.ROOT / "benchmarks" / "latest"


def subject(name: str) -> Subject:
    """The subject of that name."""
    found: Subject = import_module(f"benchmarks.subjects.{name}").SUBJECT
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 1 where a case failed. None: the arguments of the command line."""
    options = _options(arguments)
    if options.subjects == ["docs"]:
        for path in documents.write([subject(name) for name in NAMES]):
            print(path.relative_to(documents.ROOT))
        return 0
    chosen = [subject(name) for name in options.subjects or NAMES]
    if options.step:
        _step(chosen[0], options.step, options.sizes[0], options.folder)
        return 0
    has_failed = False
    with tempfile.TemporaryDirectory() as temporary:
        for size in options.sizes:
            folder = (options.folder or Path(temporary)) / str(size)
            folder.mkdir(parents=True, exist_ok=True)
            for one in chosen:
                print(f"\n{one.title}, {size:,}", flush=True)
                run = run_subject(one, size, folder, options.threads, options.note)
                path = documents.save(run, documents.RESULTS if options.keep else _LATEST)
                print(f"\n{documents.tables([run], one.unit)}\n\n{path}", flush=True)
                has_failed |= any(row.failed for row in run.rows)
    return int(has_failed)


def _step(chosen: Subject, step: str, size: int, folder: Path) -> None:
    """In a process of its own: make the data, or measure a case and print its row."""
    if step == "prepare":
        chosen.prepare(size, folder)
    else:
        print(measured(chosen, int(step), size, folder).model_dump_json())


def _numbers(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"whole numbers with commas between, such as 10000,100000; got {text!r}"
        ) from None


def _subject_name(text: str) -> str:
    if text not in (*NAMES, "docs"):
        raise argparse.ArgumentTypeError(f"{text!r} is none of {', '.join(NAMES)}, docs")
    return text


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("subjects", nargs="*", type=_subject_name, metavar="SUBJECT")
    parser.add_argument("--sizes", type=_numbers, default=[10_000, 100_000])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--note", default="", help="what else the machine did")
    parser.add_argument("--folder", type=Path, help="keep the data here, for the next time")
    parser.add_argument("--step", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.step:
        return options
    if min(options.sizes) < _SMALLEST or options.threads < 1:
        parser.error(f"sizes begin at {_SMALLEST:,}, threads at 1")
    if "docs" in options.subjects and len(options.subjects) > 1:
        parser.error("docs is no subject: give it alone")
    return options


if __name__ == "__main__":
    sys.exit(main())
