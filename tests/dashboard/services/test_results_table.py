"""Exported tables name the protocol and the labels of their numbers."""

from __future__ import annotations

import io
import zipfile

import pandas as pd

from dashboard.services.report_basket import Basket, new_item
from dashboard.services.report_export import to_bundle
from dashboard.services.results_table import to_csv, with_conditions
from pipeline.analysis.comparisons import Comparison, comparisons, comparisons_of
from pipeline.datasets.protocols import PROTOCOLS
from pipeline.runs.registry import RunRegistry
from pipeline.settings import Settings

TABLE = pd.DataFrame({"Model": ["ITQ", "LSH"], "mAP": [58.0, 32.6]})


def comparison(labels: str, split_seed: int = 0) -> Comparison:
    return Comparison("shapes", PROTOCOLS["holdout"], labels, split_seed)


def test_every_row_of_a_csv_names_protocol_labels_and_split():
    table = with_conditions(TABLE, [comparison("tags")])

    stored = pd.read_csv(io.BytesIO(to_csv(table)))
    conditions = ["protocol", "relevant by", "ranking", "split seed"]
    assert list(stored.columns) == ["Model", "mAP", *conditions]
    assert stored.iloc[1].tolist() == ["LSH", 32.6, "holdout", "tags", "hamming", 0]


def test_runs_of_several_comparisons_name_each_and_none_adds_nothing():
    table = with_conditions(TABLE, [comparison("tags"), comparison("category", 1)])

    assert table["relevant by"].tolist() == ["tags|category"] * 2
    assert with_conditions(TABLE, []).equals(TABLE)


def test_the_labels_that_count_are_named_where_a_run_names_none(settings: Settings):
    runs = [run.id for run in RunRegistry(settings).all()]

    (own,) = comparisons_of(settings, [*runs, "gone"])

    assert own == comparisons(settings, "shapes")[0]
    assert own.labels == "class"
    assert own.sentence.startswith("Protocol holdout, relevant by class: A stratified fifth")


def test_tables_of_a_report_carry_the_protocol_of_their_entry():
    item = new_item("Methods", TABLE, protocol="Protocol holdout, relevant by tags: x.")

    bundle = to_bundle(Basket(items=(item,)), {})

    with zipfile.ZipFile(io.BytesIO(bundle)) as files:
        stored = pd.read_csv(io.BytesIO(files.read("01-methods.csv")))
    assert stored["protocol"].tolist() == [item.protocol] * 2
