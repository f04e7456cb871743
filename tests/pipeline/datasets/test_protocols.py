"""Protocols: named, complete and honest about what they are for."""

import pytest
from pydantic import ValidationError

from pipeline.datasets.protocols import PROTOCOLS, Protocol


@pytest.mark.parametrize("name", PROTOCOLS)
def test_a_protocol_goes_by_its_own_name_and_says_what_it_measures(name):
    protocol = PROTOCOLS[name]

    assert protocol.name == name
    assert protocol.summary.endswith(".")
    if protocol.dataset:
        measure = f"mAP@{protocol.cutoff or 'all'}"
        assert measure in protocol.summary
        assert name.startswith(protocol.dataset)


@pytest.mark.parametrize("name", PROTOCOLS)
def test_the_summary_tells_the_sizes_that_the_fields_hold(name):
    protocol = PROTOCOLS[name]

    if protocol.queries == "per_class":
        assert f"({protocol.query_size:.0f} a class)" in protocol.summary
    if protocol.train_per_class:
        assert f"({protocol.train_per_class} a class)" in protocol.summary
    assert ("kept out" in protocol.summary) == (not protocol.train_in_database)


def test_a_protocol_is_a_frozen_value_without_unknown_fields():
    protocol = PROTOCOLS["holdout"]

    with pytest.raises(ValidationError, match="frozen"):
        protocol.cutoff = 5  # type: ignore[misc]
    with pytest.raises(ValidationError, match="topk"):
        Protocol.model_validate({**protocol.model_dump(), "topk": 5})
    assert Protocol.model_validate_json(protocol.model_dump_json()) == protocol


@pytest.mark.parametrize("changes", [{"query_size": -1}, {"cutoff": 0}, {"queries": "random"}])
def test_values_without_a_meaning_are_refused(changes):
    with pytest.raises(ValidationError):
        Protocol.model_validate({**PROTOCOLS["holdout"].model_dump(), **changes})
