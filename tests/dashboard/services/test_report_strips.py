"""What an entry says about the first results of a query, and what a draft says about a run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dashboard.services.queries import Upload
from dashboard.services.report_draft import looks_by_ap, map_finding
from dashboard.services.report_strips import finding, strip_item
from dashboard.services.run_choices import IndexState
from dashboard.services.search import Answer, Backend, QueryImage, Request, answer
from pipeline.analysis.baseline_flags import BaselineFlag
from pipeline.analysis.opened_run import OpenRun, open_run
from pipeline.index.search import exact_store, stored_query
from pipeline.runs.registry import RunRegistry
from pipeline.settings import Settings
from tests.dashboard.pages import png


@pytest.fixture(scope="module")
def both(shared_home: Path) -> tuple[OpenRun, OpenRun]:
    settings = Settings(home=shared_home, threads=1)
    found = {run.spec.method: run for run in RunRegistry(settings).all()}
    return open_run(found["itq"].id, settings), open_run(found["lsh"].id, settings)


def answered(opened: OpenRun, request: Request | None = None) -> tuple[OpenRun, Answer]:
    row = int(opened.query_rows[0])
    query = QueryImage(stored_query(opened.run, row), "one", row)
    backend = Backend(*exact_store(opened.run, opened.dataset, "database"), IndexState("missing"))
    return opened, answer(opened, query, request or Request(), backend, lambda _: backend)


def test_the_finding_counts_what_is_shown(both: tuple[OpenRun, OpenRun]) -> None:
    pairs = [answered(opened) for opened in both]
    counts = [sum(bool(r.relevant) for r in found.results[:10]) for _, found in pairs]
    label = both[0].label_names(int(both[0].query_rows[0]))[0]

    shares = "shares" if counts[0] == 1 else "share"
    alone = f"{counts[0]} of the first 10 {shares} the query's label, {label}"
    assert finding(pairs[:1], Request()) == f"{alone}."
    assert finding(pairs, Request()) == (
        f"{alone}, under ITQ · 12 bits; {counts[1]} under LSH · 8 bits."
    )


def test_a_list_of_one_kind_is_not_counted_as_if_it_were_whole(both) -> None:
    whole = answered(both[0])
    kind = Request(relevance="relevant")
    counted = finding([whole], Request())

    assert finding([answered(both[0], kind)], kind) == counted
    few = replace(answered(both[0], kind)[1], precision_10=None)
    assert finding([(both[0], few)], kind).startswith("Only relevant results are shown: ")


def test_fewer_than_ten_are_counted_as_they_are(both) -> None:
    request = Request(limit=3)
    opened, found = answered(both[0], request)

    n = sum(bool(result.relevant) for result in found.results)
    assert f"{n} of the first 3 " in finding([(opened, found)], request)


def test_without_known_labels_the_finding_gives_the_distance_alone(both) -> None:
    opened, found = answered(both[0])
    image = Upload("mine.png", png())
    query = replace(found.query, row=None, upload=image, name=image.name)
    results = [replace(result, relevant=None) for result in found.results]
    unknown = replace(
        found,
        query=query,
        precision_10=None,
        groups=(replace(found.groups[0], results=tuple(results)),),
    )

    item = strip_item([(opened, unknown)], Request(), order="codes only")

    assert item.finding == (
        f"The nearest of 48 images differs in {found.nearest} of 12 bits; nothing says which "
        "results are relevant."
    )
    assert item.query is not None
    assert item.query.source.startswith("data:image/webp;base64,")
    assert {picture.mark for picture in item.strips[0].pictures} == {"unknown"}
    assert item.protocol == "Relevant by class. 48 images searched; order: codes only."


def test_queries_of_a_draft_follow_their_rules() -> None:
    looks = looks_by_ap(pd.Series([0.5, 0.9, 0.1, 0.9, 0.4], index=[7, 5, 3, 2, 9]))

    assert [(look.lead, look.row) for look in looks] == [
        ("Best query", 2),  # of equal ones the first
        ("Typical query", 7),
        ("Worst query", 3),
    ]
    assert looks[1].rule == (
        "Chosen by rule: the AP nearest to the median of 5 queries (AP 50.0 %); "
        "of equal ones the first."
    )
    assert looks_by_ap(pd.Series(dtype=float)) == []


def test_a_run_no_better_than_colours_is_said_to_be_so(both) -> None:
    report = both[0].run.report()
    colours = pd.DataFrame({"name": ["colours alone"], "map": [0.99]})
    flag = BaselineFlag(map=report.map, low=report.ci_low, baselines=colours)

    said = map_finding("ITQ", report, pd.DataFrame({"map": [report.map * 2]}), flag)

    assert f"mAP {100 * report.map:.1f} %" in said
    assert "the codes keep 50 % of that." in said
    assert "no better than colours alone (99.0 %)" in said
    without = map_finding("ITQ", report, pd.DataFrame({"map": []}), None)
    assert "cosine" not in without
    assert np.isfinite(report.ci_low)
