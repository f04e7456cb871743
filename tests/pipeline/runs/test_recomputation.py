"""Metrics of ten stored runs, computed again from the raw code files by a script of its own.

Nothing of pipeline/ or models/ is used for the numbers: codes are read with numpy, distances are
counted bit by bit, ties are averaged by their definition, sorted level by level in plain Python.
"""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline.runs.execute import execute
from pipeline.runs.registry import RunRegistry
from pipeline.settings import Settings
from tests.factories import imported, spec, write_images

TOLERANCE = 1e-9


@pytest.fixture(scope="module")
def ten_runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Settings, list[Path]]:
    root = tmp_path_factory.mktemp("ten")
    settings = Settings(home=root / "home", threads=1)
    imported(write_images(root / "images"), settings)
    folders = []
    for method in ("lsh", "itq", "pcah", "sh", "agh"):
        for bits in (8, 14):
            config = {"anchors": 10, "neighbours": 3} if method == "agh" else {}
            run = RunRegistry(settings).create(spec(method=method, bits=bits, config=config))
            execute(run, settings)
            folders.append(run.folder)
    return settings, folders


def read_bits(path: Path) -> tuple[list[list[int]], list[int]]:
    with np.load(path) as stored:
        bits, packed, rows = int(stored["bits"]), stored["packed"], stored["rows"]
    codes = [[int(row[k // 8]) >> (7 - k % 8) & 1 for k in range(bits)] for row in packed]
    return codes, [int(row) for row in rows]


def measure(query: list[int], database: list[list[int]], relevant: list[bool]) -> dict[str, float]:
    """One query: AP, P@5, P@10, P and success within 2 bits, NDCG@100, by expectation over ties."""
    levels: dict[int, list[bool]] = {}
    for code, hit in zip(database, relevant, strict=True):
        levels.setdefault(sum(a != b for a, b in zip(query, code, strict=True)), []).append(hit)
    chance: list[float] = []  # that the item at each rank is relevant
    ap = seen = found = 0.0
    for distance in sorted(levels):
        n, r = len(levels[distance]), sum(levels[distance])
        for place in range(1, n + 1):
            chance.append(r / n)
            before = (place - 1) * (r - 1) / (n - 1) if n > 1 else 0.0
            ap += r / n * (found + 1 + before) / (seen + place)
        seen, found = seen + n, found + r
    ball = [hit for distance in levels if distance <= 2 for hit in levels[distance]]
    discount = [1 / math.log2(rank + 1) for rank in range(1, 101)]
    ideal = sum(discount[: min(int(found), 100)])
    return {
        "map": ap / found if found else 0.0,
        "precision_at_5": sum(chance[:5]) / 5,
        "precision_at_10": sum(chance[:10]) / 10,
        "recall_at_10": sum(chance[:10]) / found if found else 0.0,
        "precision_radius_2": sum(ball) / len(ball) if ball else 0.0,
        "empty_radius_2": float(not ball),
        "lookup_success": float(any(ball)),
        "ndcg_at_100": (
            sum(c * d for c, d in zip(chance, discount, strict=False)) / ideal if ideal else 0.0
        ),
    }


def test_ten_stored_runs_equal_an_independent_computation(ten_runs):
    settings, folders = ten_runs
    manifest = pd.read_parquet(settings.datasets_path / "shapes" / "manifest.parquet")
    labels = [set(names) for names in manifest["labels:class"]]
    assert len(folders) == 10

    for folder in folders:
        queries, query_rows = read_bits(folder / "codes" / "query.npz")
        database, database_rows = read_bits(folder / "codes" / "database.npz")
        each = [
            measure(code, database, [bool(labels[row] & labels[other]) for other in database_rows])
            for code, row in zip(queries, query_rows, strict=True)
        ]
        mean = {name: math.fsum(one[name] for one in each) / len(each) for name in each[0]}

        report = json.loads((folder / "report.json").read_text("utf-8"))

        assert len(mean) == 8
        for name, value in mean.items():
            measured = report["values"][name]
            assert measured == pytest.approx(value, abs=TOLERANCE), (folder.name, name)
