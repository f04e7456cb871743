"""How long the leaderboard takes to open with 30 models at 3 code lengths: 90 synthetic runs.

    python -m tests.benchmarks.bench_dashboard

Runs are copies of one real run under other settings, with reports and curves of their own.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np
from streamlit.testing.v1 import AppTest

from pipeline.execute import execute
from pipeline.report import Curves
from pipeline.runs import RunRegistry
from pipeline.settings import Settings
from tests.factories import imported, spec, write_images

_MAIN = Path(__file__).resolve().parents[2] / "dashboard" / "main.py"
_MODELS, _BITS = 30, (16, 32, 64)
_LIMIT_S = 3.0


def make_library(root: Path) -> Settings:
    """A library with 90 measured runs."""
    settings = Settings(home=root / "home", threads=1)
    imported(write_images(root / "images", per_class=30), settings)
    rng = np.random.default_rng(0)
    for bits in _BITS:
        first = RunRegistry(settings).create(spec(bits=bits, config={"iterations": 1}))
        execute(first, settings)
        report = json.loads((first.folder / "report.json").read_text("utf-8"))
        for number in range(1, _MODELS):
            other = RunRegistry(settings).create(spec(bits=bits, config={"iterations": number + 1}))
            own = (other.folder / "spec.json").read_bytes()
            shutil.copytree(first.folder, other.folder, dirs_exist_ok=True)
            (other.folder / "spec.json").write_bytes(own)
            change = float(rng.normal(0, 0.03))
            changed = report | {key: report[key] + change for key in ("map", "ci_low", "ci_high")}
            (other.folder / "report.json").write_text(json.dumps(changed), "utf-8")
            curves = Curves.load(first.folder / "curves.npz")
            curves.per_query_ap[:] = np.clip(curves.per_query_ap + change, 0, 1)
            curves.save(other.folder / "curves.npz")
    return settings


def main() -> None:
    """Print the seconds of the first and of a second opening, in one process."""
    with tempfile.TemporaryDirectory() as folder:
        settings = make_library(Path(folder))
        os.environ["HASHLENS_HOME"] = str(settings.home)
        app = AppTest.from_file(str(_MAIN), default_timeout=60)
        app.run()
        for page in ("leaderboard", "curves"):
            for which in ("first", "again"):
                began = time.perf_counter()
                app.switch_page(f"app_pages/{page}.py").run()
                seconds = time.perf_counter() - began
                assert not app.exception
                verdict = "ok" if seconds < _LIMIT_S else "too slow"
                print(f"{page:12} {which:6} {seconds:5.2f} s, limit {_LIMIT_S} s: {verdict}")


if __name__ == "__main__":
    main()
