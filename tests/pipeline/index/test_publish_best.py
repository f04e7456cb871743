"""The best of several runs is published when all have ended, whoever is still looking."""

from __future__ import annotations

import pytest

from pipeline.index.index_jobs import requested
from pipeline.index.publish_best import best_run, is_requested, request_best, serve_best
from pipeline.runs.execute import execute
from pipeline.runs.registry import RunRegistry
from pipeline.runs.run import Run
from pipeline.settings import Settings
from pipeline.worker import work
from tests.factories import spec


@pytest.fixture
def two(own_library: Settings) -> tuple[Run, Run]:
    registry = RunRegistry(own_library)
    return registry.create(spec(method="lsh", bits=8)), registry.create(spec(method="pcah", bits=8))


def test_nothing_is_asked_for_while_a_run_is_at_work(
    own_library: Settings, two: tuple[Run, Run]
) -> None:
    request_best([run.id for run in two], own_library)
    execute(two[0], own_library)

    assert serve_best(own_library) == 0
    assert best_run(own_library, [run.id for run in two]) is None
    assert is_requested([run.id for run in two], own_library)


def test_the_worker_trains_them_and_publishes_the_best(
    own_library: Settings, two: tuple[Run, Run]
) -> None:
    ids = [run.id for run in two]
    request_best(ids, own_library)

    work(own_library, exit_when_idle=True)

    best = max(two, key=lambda run: run.report().map)
    assert best_run(own_library, ids) == best
    assert [(run.folder / "index.json").exists() for run in two] == [run == best for run in two]
    assert not is_requested(ids, own_library)


def test_a_run_that_failed_or_was_deleted_is_not_waited_for(
    own_library: Settings, two: tuple[Run, Run]
) -> None:
    failed, good = two
    request_best([failed.id, good.id, "gone"], own_library)
    failed.fail(ValueError("no"))
    execute(good, own_library)

    assert serve_best(own_library) == 1
    request = requested(good)
    assert request is not None
    assert request.action == "publish"


def test_what_can_never_be_published_is_dropped_with_a_word(
    own_library: Settings, two: tuple[Run, Run], caplog: pytest.LogCaptureFixture
) -> None:
    for run in two:
        run.fail(ValueError("no"))
    request_best([run.id for run in two], own_library)
    (own_library.home / "publish-best" / "torn.json").write_text("{", "utf-8")

    assert serve_best(own_library) == 0

    assert "can be published" in caplog.text
    assert "torn.json is damaged and dropped" in caplog.text
    assert not any((own_library.home / "publish-best").iterdir())
