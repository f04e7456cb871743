"""Stored reports are read, whatever has become of measures and bounds since."""

from __future__ import annotations

import json
import math

import pytest

from pipeline.evaluation.report import Report, read_report
from tests.factories import report


def stored(**changes: object) -> str:
    return json.dumps(json.loads(report().model_dump_json()) | changes)


def without(name: str) -> str:
    return json.dumps({k: v for k, v in json.loads(stored()).items() if k != name})


def test_what_was_stored_is_read_as_it_was() -> None:
    assert read_report(stored()) == report()


def test_a_measure_that_is_gone_is_left_out() -> None:
    assert read_report(stored(median_rank=3.5)) == report()


@pytest.mark.parametrize("name", ["wap", "ndcg_at_100", "map_legacy_spread"])
def test_a_measure_that_came_later_is_not_a_number_and_noted(name: str) -> None:
    found = read_report(without(name))

    assert math.isnan(getattr(found, name))
    assert found.notes == (f"not in this report: {name}; evaluate the run again",)
    assert found.map == report().map


def test_ranks_that_came_later_are_empty() -> None:
    assert read_report(without("recall_at")).recall_at == {}


def test_statistics_of_codes_that_lack_a_measure_are_left_out() -> None:
    """They can be computed from the codes, which every run keeps."""
    assert read_report(stored(codes={"n": 3, "bits": 16})) == report()


def test_a_protocol_beyond_the_bounds_of_today_is_read() -> None:
    protocol = json.loads(stored())["protocol"] | {"query_limit": 0, "renamed": True}

    found = read_report(stored(protocol=protocol))

    assert found.protocol.query_limit == 0
    assert found.protocol.summary == report().protocol.summary


@pytest.mark.parametrize("name", ["map", "n_query", "protocol", "queries_without_relevant"])
def test_what_no_measure_can_be_read_without_is_named(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        read_report(without(name))


@pytest.mark.parametrize("text", ["", "{", "[]", "7", '{"codes": 3}', '{"protocol": 3}'])
def test_what_is_no_report_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="Report"):
        read_report(text)


def test_asking_for_a_report_with_an_unknown_measure_is_refused() -> None:
    with pytest.raises(ValueError, match="median_rank"):
        report(median_rank=3.5)
    assert "median_rank" not in Report.model_fields
