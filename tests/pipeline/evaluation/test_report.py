"""Stored reports are read, whatever has become of metrics and bounds since."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from pipeline.evaluation.metric_table import METRICS
from pipeline.evaluation.report import Report, read_report
from tests.factories import ROOT, report


def stored(**changes: object) -> str:
    return json.dumps(json.loads(report().model_dump_json()) | changes)


def without(name: str) -> str:
    fields = json.loads(stored())
    del (fields if name in fields else fields["values"])[name]
    return json.dumps(fields)


def of_old(**changes: object) -> dict[str, Any]:
    """A report as versions before the table of metrics stored it: a field for each."""
    text = (ROOT / "tests" / "stored_run" / "report.json").read_text("utf-8")
    return json.loads(text) | changes


def test_a_report_from_before_intervals_of_other_metrics_has_none() -> None:
    fields = json.loads(stored())
    del fields["intervals"]

    found = read_report(json.dumps(fields))

    assert found.intervals == {}
    assert math.isnan(found.half_of("precision_at_10"))
    assert found.half_of("map") == found.half_width
    kept = read_report(stored(intervals={"precision_at_10": [0.4, 0.6]}))
    assert kept.half_of("precision_at_10") == pytest.approx(0.1)


def test_what_was_stored_is_read_as_it_was() -> None:
    assert read_report(stored()) == report()


def test_a_report_of_old_has_its_values_in_the_table() -> None:
    fields = of_old()

    found = read_report(json.dumps(fields))

    for name in ("map", "map_worst", "ndcg_at_100", "lookup_success", "wap"):
        assert found.values[name] == fields[name]
    for rank, value in fields["precision_at"].items():
        assert found.values[f"precision_at_{rank}"] == value
    for rank, value in fields["recall_at"].items():
        assert found.values[f"recall_at_{rank}"] == value
    assert "1000" not in fields["precision_at"]
    assert found.values["precision_at_1000"] is None  # beyond the end of its database


def test_a_report_of_old_names_the_metrics_that_came_later() -> None:
    fields = of_old()
    del fields["recall_at"]

    found = read_report(json.dumps(fields))

    assert "recall_at_10" not in found.values
    assert any("recall_at_10," in note for note in found.notes)


def test_a_metric_that_is_gone_is_left_out() -> None:
    values = report().values | {"median_rank": 3.5}

    assert read_report(stored(values=values, colour=3)) == report()


@pytest.mark.parametrize("name", ["wap", "ndcg_at_100", "precision_at_10"])
def test_a_metric_that_came_later_is_not_a_number_and_noted(name: str) -> None:
    found = read_report(without(name))

    assert math.isnan(found.value(name))
    assert found.notes == (f"not in this report: {name}; evaluate the run again",)
    assert found.map == report().map


def test_a_spread_that_came_later_is_noted() -> None:
    found = read_report(without("map_legacy_spread"))

    assert found.map_legacy_spread is None
    assert found.notes == ("not in this report: map_legacy_spread; evaluate the run again",)


def test_statistics_of_codes_that_lack_a_measure_are_left_out() -> None:
    """They can be computed from the codes, which every run keeps."""
    assert read_report(stored(codes={"n": 3, "bits": 16})) == report()


def test_a_protocol_beyond_the_bounds_of_today_is_read() -> None:
    protocol = json.loads(stored())["protocol"] | {"query_limit": 0, "renamed": True}

    found = read_report(stored(protocol=protocol))

    assert found.protocol.query_limit == 0
    assert found.protocol.summary == report().protocol.summary


@pytest.mark.parametrize("name", ["map", "n_query", "protocol", "queries_without_relevant"])
def test_what_no_report_can_be_read_without_is_named(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        read_report(without(name))


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "7", '{"codes": 3}', '{"protocol": 3}', '{"values": 3}']
)
def test_what_is_no_report_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="Report"):
        read_report(text)


def test_a_report_with_an_unknown_metric_is_refused() -> None:
    with pytest.raises(ValueError, match="median_rank"):
        Report.model_validate(report().model_dump() | {"values": {"map": 0.5, "median_rank": 3.5}})
    assert "median_rank" not in METRICS
