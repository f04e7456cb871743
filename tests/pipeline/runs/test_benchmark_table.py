"""The table of a benchmark."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from models.errors import WeightsError
from pipeline.datasets.dataset import RetrievalDataset
from pipeline.evaluation.evaluate import evaluate
from pipeline.ingest.ingest import import_dataset
from pipeline.ingest.source import Item, Source
from pipeline.runs import benchmark_table
from pipeline.runs.alternatives import ALTERNATIVES
from pipeline.runs.baselines import cosine_report
from pipeline.runs.benchmark import compare
from pipeline.runs.benchmark_table import COLUMNS, WITHOUT, markdown, report_without, text_table
from pipeline.runs.registry import RunRegistry
from pipeline.settings import Settings
from tests.factories import png, spec


def tagged(settings: Settings, n: int = 60) -> RetrievalDataset:
    """Plain colours with several labels: `all` is on most, `red` and `blue` say the colour."""
    rng = np.random.default_rng(0)
    items = []
    for i in range(n):
        is_red, is_blue = rng.random(2) < 0.5
        tags = [name for name, has in (("red", is_red), ("blue", is_blue)) if has]
        if i % 5 or not tags:
            tags.append("all")
        base = np.array([200 * is_red, 40, 200 * is_blue])
        colour = tuple((base + rng.integers(0, 50, 3)).tolist())
        items.append(
            Item(f"{i}", lambda colour=colour: png(colour), {"tags": tuple(tags)}, ".png")  # type: ignore[misc]
        )
    facts = {"title": "Tagged", "summary": "", "licence": "", "attribution": ""}
    return import_dataset(
        Source(name="tagged", items=items, identity="1", kinds={"tags": "multi"}, **facts),  # type: ignore[arg-type]
        settings,
    )


def test_the_table_holds_means_over_seeds_below_the_fixed_rows(own_library: Settings):
    result = compare(spec(), ["pcah", "itq", "dpn", "lsh"], [16, 8], 2, own_library)

    reports = [
        run.report()
        for run in RunRegistry(own_library).all()
        if (run.spec.method, run.spec.bits) == ("lsh", 8)
    ]
    row = result[(result["method"] == "lsh") & (result["bits"] == 8)].iloc[0]
    values = [report.map for report in reports]
    assert len(reports) == row["seeds"] == 2
    assert row["map"] == pytest.approx(np.mean(values))
    assert row["map_sd"] == pytest.approx(np.std(values, ddof=1))
    assert row["acg_at_100"] == pytest.approx(
        np.mean([report.value("acg_at_100") for report in reports])
    )
    seconds = np.mean([report.timings["encoding_s"] for report in reports])
    assert row["encoding_ms"] == pytest.approx(1000 * seconds / 40)
    assert row["bytes"] == 1
    assert result["method"].iloc[0] == "cosine"
    codes = result[result["bits"].notna()]
    for block in (codes[:4], codes[4:]):
        assert block["method"].tolist()[:2] == ["lsh", "itq"]
        assert block["map"].iloc[2] >= block["map"].iloc[3]
    assert codes["bits"].tolist() == [8] * 4 + [16] * 4
    alternatives = result[result["method"].isin(ALTERNATIVES)]
    assert set(alternatives["method"]) >= {"float32-raw", "int8", "signs", "rabitq"}
    is_raw = alternatives["method"] == "float32-raw"
    assert alternatives[is_raw]["bytes"].tolist() == [256]
    assert alternatives[~is_raw]["bytes"].between(1, 128).all()
    assert alternatives["training_s"].notna().all()
    assert np.isnan(result[result["method"] == "pcah"]["map_sd"]).all()


def test_the_cosine_row_is_the_stored_baseline(own_library: Settings, shapes: RetrievalDataset):
    row = compare(spec(), ["lsh"], [8], 1, own_library).iloc[0]

    report = cosine_report(spec(), shapes, own_library)
    assert report is not None
    assert (row["map"], row["ndcg_at_100"]) == (report.map, report.value("ndcg_at_100"))
    assert row["bytes"] == report.bytes_per_item == 4 * 64
    assert np.isnan(row["bits"])


def test_the_table_stands_where_the_cosine_row_cannot_be_measured(
    own_library: Settings, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    def gone(*_: object, **__: object) -> None:
        raise WeightsError("no network")

    monkeypatch.setattr(benchmark_table, "load_backbone", gone)

    result = compare(spec(), ["lsh"], [8], 1, own_library)

    assert result["method"].tolist() == ["lsh"]
    assert "the cosine of the features is not measured: " in caplog.text


def test_a_label_can_be_left_out_of_the_relevance(settings: Settings):
    """Against the same codes, measured with labels that were made by hand without it."""
    dataset = tagged(settings)
    base = spec(dataset="tagged", label_set="tags", bits=8)

    result = compare(base, ["itq"], [8], 1, settings, without="all")

    [run] = RunRegistry(settings).all()
    (query_codes, query), (codes, database) = (run.load_codes(p) for p in ("query", "database"))
    names = dataset.label_names(dataset.label_set())
    wanted = [name for name in dataset.label_set().classes if name != "all"]

    def labels(rows):
        return np.array([[name in names[row] for name in wanted] for row in rows])

    rest = [i for i, row in enumerate(query) if {*names[row]} - {"all"}]
    expected = evaluate(
        query_codes[rest],
        codes,
        labels(query[rest]),
        labels(database),
        base.evaluation_protocol(),
    ).report
    assert 0 < len(rest) < len(query)
    assert report_without(run, dataset, "all") == expected
    row = result[result["method"] == "itq"].iloc[0]
    measured = (expected.map, expected.value("ndcg_at_100"), expected.value("acg_at_100"))
    assert tuple(row[list(WITHOUT)]) == pytest.approx(measured)
    assert row["map"] > row["map_without"]
    assert result[~result["method"].isin(ALTERNATIVES)]["map_without"].notna().all()


def test_tables_for_people_say_nothing_where_nothing_was_measured():
    values = {**dict.fromkeys(COLUMNS, np.nan), "ranking": "Cosine", "map": 0.5, "bytes": 5120}
    result = pd.DataFrame([values, {**values, "bits": 32, "map_sd": 0.01}])

    names, rows = text_table(result)

    assert len(names) == len(rows[0]) == len(COLUMNS) - 2  # no name, mean and spread in one
    assert rows[0] == ("Cosine", "", "", "50.0", *[""] * (len(names) - 5), "5,120")
    assert rows[1][:4] == ("Cosine", "32", "", "50.0 ± 1.0")
    assert markdown(result).splitlines()[1] == "| " + " | ".join(["---"] * len(names)) + " |"
