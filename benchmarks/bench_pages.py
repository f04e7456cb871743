"""Pages of a large library, without a browser.

    python -m benchmarks.bench_pages HOME

HOME is a data folder with a measured run. Each page is opened once and then drawn anew some times,
in this process. Printed: the first, the median and the longest in seconds, and the memory of the
process, all in all and without what is mapped from files. Status shows what a bare page takes.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from pathlib import Path

from streamlit.testing.v1 import AppTest

_MAIN = Path(__file__).resolve().parents[1] / "dashboard" / "main.py"
_PAGES = (
    "explore/overview",
    "explore/search",
    "explore/compare",
    "explore/codes",
    "explore/browse",
    "explore/duplicates",
    "evaluate/leaderboard",
    "evaluate/curves",
    "evaluate/failures",
    "evaluate/advisor",
    "build/train",
    "build/runs",
    "share/status",
)
_AGAIN = 6


def drawn(app: AppTest) -> float:
    """Seconds to draw the page anew."""
    began = time.perf_counter()
    app.run()
    if app.exception:
        raise RuntimeError(app.exception[0].value)
    return time.perf_counter() - began


def memory() -> str:
    """MiB of this process, and of them those that are no file's."""
    rows = dict(row.split(":", 1) for row in Path("/proc/self/status").read_text().splitlines())
    return " | ".join(f"{int(rows[key].split()[0]) // 1024:,}" for key in ("VmRSS", "RssAnon"))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("home", type=Path)
    asked = parser.parse_args()
    os.environ["HASHLENS_HOME"] = str(asked.home)
    began = time.perf_counter()
    app = AppTest.from_file(str(_MAIN), default_timeout=600).run()
    print("| page | first s | median s | longest s | MiB | of them no file's |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    print(f"| the server's first page | {time.perf_counter() - began:.1f} | | | {memory()} |")
    for page in _PAGES:
        first = drawn(app.switch_page(f"{page}_page.py"))
        again = [drawn(app) for _ in range(_AGAIN)]
        figures = f"{first:.2f} | {statistics.median(again):.2f} | {max(again):.2f}"
        print(f"| {page.split('/')[1]} | {figures} | {memory()} |", flush=True)


if __name__ == "__main__":
    main()
