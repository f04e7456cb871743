"""Run folders: created whole, found by spec, robust against damage and dead processes."""

from __future__ import annotations

import json
import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pipeline.files import write_atomic
from pipeline.runs.execute import execute
from pipeline.runs.registry import RunRegistry
from pipeline.runs.results import RunError
from pipeline.runs.run import Run
from pipeline.settings import Settings
from tests.factories import ROOT, files_read, spec


def test_a_new_run_is_queued_with_its_spec_and_a_telling_name(registry: RunRegistry) -> None:
    run = registry.create(spec(seed=3))

    assert re.fullmatch(rf"[\d-]+T[\d-]+_itq_shapes_16b_{run.spec.digest[:4]}", run.id)
    assert run.state() == "queued"
    assert registry.open(run.id).spec == spec(seed=3)
    assert [path.name for path in registry.path.iterdir()] == [run.id]


def test_an_empty_library_has_no_runs(registry: RunRegistry) -> None:
    assert registry.all() == []
    assert registry.find(spec()) is None


def test_runs_of_one_spec_created_at_once_all_get_folders_of_their_own(
    registry: RunRegistry,
) -> None:
    with ThreadPoolExecutor(8) as pool:
        runs = list(pool.map(lambda _: registry.create(spec()), range(24)))

    assert len({run.id for run in runs}) == 24
    assert len(registry.all()) == 24
    assert not list(registry.path.glob(".*"))


def test_a_folder_that_is_not_complete_yet_is_no_run(registry: RunRegistry, run: Run) -> None:
    (registry.path / ".0123.new").mkdir()

    assert [found.id for found in registry.all()] == [run.id]


def test_any_unambiguous_part_of_the_id_opens_a_run(registry: RunRegistry) -> None:
    first, second = registry.create(spec()), registry.create(spec(method="lsh"))

    assert registry.open("lsh").id == second.id
    assert registry.open(first.spec.digest[:4]).id == first.id
    with pytest.raises(RunError, match=r"'shapes' is not unique: .*itq.*lsh"):
        registry.open("shapes")
    with pytest.raises(RunError, match="unknown run 'dpsh'"):
        registry.open("dpsh")
    inside = f"../{registry.path.name}/{first.id}"
    for nowhere in ("..", inside, f"{first.id}/../{first.id}", "x" * 300, "a\0b"):
        with pytest.raises(RunError):
            registry.open(nowhere)
    with pytest.raises(RunError, match="is not unique"):
        registry.open("")


def test_the_full_id_opens_a_run_though_another_id_goes_on_from_it(registry: RunRegistry) -> None:
    first = registry.create(spec())
    twin = first.folder.with_name(first.id + "-2")
    twin.mkdir()

    assert registry.open(first.id).id == first.id


@pytest.mark.parametrize("name", ["spec.json", "run.json"])
@pytest.mark.parametrize("content", [None, "", "{", '{"state": "done", "surprise": 1}', "[]"])
def test_a_damaged_run_is_left_out_of_lists_and_named_when_opened(
    registry: RunRegistry, name: str, content: str | None
) -> None:
    good, bad = registry.create(spec()), registry.create(spec(method="lsh"))
    (bad.folder / name).unlink()
    if content is not None:
        (bad.folder / name).write_text(content, "utf-8")

    assert [run.id for run in registry.all()] == [good.id]
    assert registry.find(spec(method="lsh")) is None
    with pytest.raises(RunError, match=rf"{bad.id}/{name} is (damaged|missing)"):
        registry.open(bad.id)
    assert list(registry.unreadable()) == [bad.id]
    assert f"{name} is " in registry.unreadable()[bad.id]
    assert registry.is_damaged(bad.id)
    assert not registry.is_damaged(good.id)
    registry.discard(bad.id)
    registry.discard(good.id)  # not damaged: not touched
    assert [path.name for path in registry.path.iterdir()] == [good.id]


def test_a_report_that_cannot_be_read_is_counted_and_its_run_stays(done_run: Run, own_library):
    registry = RunRegistry(own_library)
    assert registry.unreadable() == {}
    (done_run.folder / "report.json").write_text("{}", "utf-8")

    assert [run.id for run in registry.all()] == [done_run.id]
    assert "report.json is damaged" in registry.unreadable()[done_run.id]


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("spec.json", lambda spec: spec["config"].update(momentum=0.9)),  # renamed to eta since
        ("spec.json", lambda spec: spec["config"].update(eta=-1.0)),  # the bound is tighter by now
        ("spec.json", lambda spec: spec.update(method="gone")),
        ("spec.json", lambda spec: spec.update(precision="half")),
        ("run.json", lambda status: status.update(watts=3)),
        ("report.json", lambda report: report.pop("wap")),  # a new measure
        ("report.json", lambda report: report.update(median_rank=3.5)),  # one that is gone
        ("report.json", lambda report: report["codes"].pop("distinct")),
        ("report.json", lambda report: report["protocol"].update(seed=0)),
    ],
)
def test_a_stored_run_stays_readable_when_settings_bounds_methods_and_measures_change(
    registry: RunRegistry, name: str, change
) -> None:
    """tests/stored_run is as version 4d57685 stored it; it must be read for ever."""
    run = Path(shutil.copytree(ROOT / "tests" / "stored_run", registry.path / "old"))
    text = (run / name).read_text("utf-8")
    stored = json.loads(text)
    change(stored)
    (run / name).write_text(json.dumps(stored), "utf-8")

    (found,) = registry.all()

    assert registry.unreadable() == {}
    assert found.state() == "done"
    assert found.report().map == pytest.approx(0.737449)
    assert found.spec.bits == 8


def test_a_run_that_this_version_could_not_be_asked_for_is_not_executed(
    own_library: Settings, done_run: Run
) -> None:
    """It could only be trained otherwise than was asked."""
    queued = RunRegistry(own_library).create(done_run.spec)
    stored = json.loads((queued.folder / "spec.json").read_text("utf-8"))
    stored["config"]["momentum"] = 0.9
    write_atomic(queued.folder / "spec.json", json.dumps(stored))

    with pytest.raises(ValueError, match="asked of another version: unknown hyper-parameter"):
        execute(RunRegistry(own_library).open(queued.id), own_library)

    assert "momentum" in queued.status().error


def test_files_of_runs_that_do_not_change_are_not_read_again(
    own_library: Settings, done_run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry, read = RunRegistry(own_library), files_read(done_run, monkeypatch)

    for _ in range(3):
        (run,) = registry.all()
        assert run.report().map > 0

    assert sorted(read) == ["report.json", "run.json", "spec.json"]


def test_a_spec_with_a_name_that_leaves_the_folder_is_damaged(
    registry: RunRegistry, run: Run
) -> None:
    path = run.folder / "spec.json"
    write_atomic(path, path.read_text("utf-8").replace('"shapes"', '"../../x"'))

    with pytest.raises(RunError, match="match pattern"):
        registry.open(run.id)


def test_a_finished_run_is_found_by_its_spec_and_content(registry: RunRegistry) -> None:
    with registry.create(spec()).started():
        pass
    queued = registry.create(spec())
    done = next(run for run in registry.all() if run.id != queued.id)
    done.update(dataset_fingerprint="abc")

    assert registry.find(spec()) == done
    assert registry.find(spec(), "abc") == done
    assert registry.find(spec(), "other images under the same name") is None
    assert registry.find(spec(seed=1)) is None


def test_a_run_folder_explains_itself(done_run: Run) -> None:
    names = {path.relative_to(done_run.folder).as_posix() for path in done_run.folder.rglob("*.*")}

    assert {
        "spec.json",
        "run.json",
        "history.jsonl",
        "model/config.json",
        "model/weights.safetensors",
        "codes/query.npz",
        "codes/database.npz",
        "report.json",
        "curves.npz",
    } <= names
    assert not [name for name in names if "tmp" in name]
    assert json.loads((done_run.folder / "spec.json").read_text("utf-8")) == json.loads(
        done_run.spec.model_dump_json()
    )


def test_a_deleted_run_is_gone(registry: RunRegistry, run: Run) -> None:
    registry.delete(run)

    assert registry.all() == []
    assert list(registry.path.iterdir()) == []
