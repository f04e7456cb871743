"""execute: all stages of a run, the same for every door, and honest about labels."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

import models.methods
from models.backbones.registry import load_backbone
from models.errors import Cancelled
from models.registry import get_method, list_methods
from pipeline.datasets.dataset import DatasetError, RetrievalDataset, load_dataset
from pipeline.datasets.split import make_split
from pipeline.evaluation.evaluate import evaluate_cosine
from pipeline.features import FeatureCache
from pipeline.index.payloads import IndexItems
from pipeline.index.store.base import Where
from pipeline.runs import measurement
from pipeline.runs.baselines import cosine_report
from pipeline.runs.execute import execute, follow_up
from pipeline.runs.measurement import evaluate_run
from pipeline.runs.registry import RunRegistry
from pipeline.runs.results import RunError
from pipeline.runs.run import Run
from pipeline.runs.training import training_set
from pipeline.settings import Settings
from tests.factories import cache_of, imported, png, spec, unlabelled, write_images
from tests.layout_writers import put

BASELINES = ("cosine", "colours")
SPY = '''
"""A method that keeps the training set it was given."""

from models.methods.lsh import LSH

SEEN = []


class Spy(LSH):
    card = LSH.card.model_copy(update={{"name": "{name}", "supervision": "{supervision}"}})

    def fit(self, train, **options):
        SEEN.append(train)
        return super().fit(train, **options)


METHOD = Spy
'''


@pytest.fixture
def spies(tmp_path: Path) -> Iterator[None]:
    """Two methods that keep what they are given; found by file name, as all methods are."""
    for name, supervision in (("spy_blind", "unsupervised"), ("spy_taught", "supervised")):
        (tmp_path / f"{name}.py").write_text(SPY.format(name=name, supervision=supervision))
    models.methods.__path__.append(str(tmp_path))
    list_methods.cache_clear()
    yield
    models.methods.__path__.remove(str(tmp_path))
    list_methods.cache_clear()


def seen_by(name: str):
    return __import__(f"models.methods.{name}", fromlist=["SEEN"]).SEEN


def executed(settings: Settings, **changes: object) -> Run:
    run = RunRegistry(settings).create(spec(**changes))
    execute(run, settings)
    return run


def test_a_run_ends_with_model_codes_report_and_times(done_run: Run, own_library: Settings) -> None:
    report, dataset = done_run.report(), load_dataset("shapes", own_library)
    split = make_split(dataset, spec().evaluation_protocol(), dataset.label_set(), seed=0)

    assert done_run.state() == "done"
    assert (report.n_query, report.n_database) == (len(split.query), len(split.database))
    assert report.bits == 16
    assert [*done_run.status().timings] == [
        "features",
        "training",
        "encoding",
        "codes",
        "evaluation",
    ]
    assert report.timings["encoding_s"] == done_run.status().timings["encoding"]
    assert done_run.status().dataset_fingerprint == dataset.info.fingerprint
    assert len(done_run.history()) == 50
    for part, rows in (("query", split.query), ("database", split.database)):
        codes, stored_rows = done_run.load_codes(part)
        assert np.array_equal(stored_rows, rows)
        assert (len(codes), codes.bits) == (len(rows), 16)


def test_patterns_of_one_class_are_found_far_better_than_by_chance(done_run: Run) -> None:
    """Four balanced classes: chance is a mean average precision of about 0.25."""
    assert done_run.report().map > 0.4


def test_the_stored_model_gives_the_stored_codes(done_run: Run, own_library: Settings) -> None:
    codes, rows = done_run.load_codes("database")
    dataset = load_dataset("shapes", own_library)
    features = FeatureCache(load_backbone("tiny"), own_library).get(dataset)

    again = done_run.load_method().encode(torch.from_numpy(np.array(features[rows])))

    assert np.array_equal(again.packed, codes.packed)


def test_the_same_spec_gives_the_same_codes(done_run: Run, own_library: Settings) -> None:
    again = executed(own_library)

    for part in ("query", "database"):
        assert np.array_equal(again.load_codes(part)[0].packed, done_run.load_codes(part)[0].packed)
    assert again.report().map == done_run.report().map


def test_labels_never_reach_a_method_that_is_not_supervised(
    own_library: Settings, spies: None
) -> None:
    for name in ("spy_blind", "spy_taught"):
        executed(own_library, method=name)

    blind, taught = seen_by("spy_blind")[-1], seen_by("spy_taught")[-1]
    assert blind.labels is None
    assert taught.labels.shape == (len(taught), 4)
    assert torch.equal(blind.features, taught.features)


def test_a_method_sees_the_training_images_and_no_query(own_library: Settings, spies: None) -> None:
    executed(own_library, method="spy_taught")

    train = seen_by("spy_taught")[-1]
    dataset = load_dataset("shapes", own_library)
    features = FeatureCache(load_backbone("tiny"), own_library).get(dataset)
    split = make_split(dataset, spec().evaluation_protocol(), dataset.label_set(), seed=0)
    assert np.array_equal(train.features.numpy(), features[split.train])
    assert np.array_equal(train.labels.numpy(), dataset.labels(dataset.label_set())[split.train])


@pytest.mark.parametrize("name", list_methods())
def test_the_card_alone_decides_about_labels(library: Settings, shapes, name: str) -> None:
    features = np.zeros((40, 64), np.float32)
    split = make_split(shapes, spec().evaluation_protocol(), shapes.label_set(), seed=0)

    train = training_set(shapes, features, split, spec(method=name))

    is_supervised = get_method(name).card.supervision == "supervised"
    assert (train.labels is not None) == is_supervised


@pytest.mark.parametrize("method", ["cibhash", "crovca"])
def test_a_contrastive_method_trains_on_views_of_the_training_images(
    own_library: Settings, shapes, method: str
) -> None:
    run = executed(own_library, method=method, config={"epochs": 2})

    split = make_split(shapes, spec().evaluation_protocol(), shapes.label_set(), seed=0)
    tiny = load_backbone("tiny")
    assert run.state() == "done"
    assert len(run.load_codes("database")[0]) == len(split.database)
    for view in range(1, 5):
        keys = (FeatureCache(tiny, own_library, view).folder / "keys.bin").read_bytes()
        digests = shapes.manifest["sha256"].iloc[split.train]
        assert keys == b"".join(bytes.fromhex(digest) for digest in digests)


def test_a_contrastive_method_needs_no_labels(settings: Settings) -> None:
    unlabelled(settings)
    last: list[tuple[str, int, int]] = []
    run = RunRegistry(settings).create(
        spec(dataset="bare", label_set="", method="crovca", config={"epochs": 2})
    )

    execute(run, settings, lambda *step: last.append(step))

    assert run.state() == "done"
    assert [step for step in last if step[0] == "features"][-1] == ("features", 96, 96)


def test_a_stage_that_fails_leaves_its_reason(own_library: Settings) -> None:
    run = RunRegistry(own_library).create(spec(bits=200))

    with pytest.raises(ValueError, match="200 bits need 200 principal axes"):
        execute(run, own_library)

    assert run.state() == "failed"
    assert "use at most" in run.status().error
    assert not (run.folder / "report.json").exists()


def test_a_missing_data_set_fails_the_run_with_the_command_that_imports_it(
    settings: Settings,
) -> None:
    run = RunRegistry(settings).create(spec())

    with pytest.raises(DatasetError, match="datasets import shapes"):
        execute(run, settings)

    assert run.state() == "failed"


def test_a_run_can_be_cancelled_while_it_trains(own_library: Settings) -> None:
    run = RunRegistry(own_library).create(spec())

    def cancel(stage: str, done: int, _total: int) -> None:
        if (stage, done) == ("training", 3):
            run.request_stop()

    with pytest.raises(Cancelled):
        execute(run, own_library, cancel)

    assert run.state() == "cancelled"
    assert len(run.history()) <= 3


def test_a_run_can_be_cancelled_while_features_are_computed(
    tmp_path: Path, settings: Settings
) -> None:
    imported(write_images(tmp_path / "more", per_class=25), settings)
    run = RunRegistry(settings).create(spec())

    def cancel(stage: str, done: int, _total: int) -> None:
        if stage == "features" and done < 100:
            run.request_stop()

    with pytest.raises(Cancelled):
        execute(run, settings, cancel)

    assert run.state() == "cancelled"
    assert run.status().timings == {}
    execute(run, settings)  # and it can be taken up again
    assert run.state() == "done"


def test_progress_goes_to_the_end_of_every_stage(own_library: Settings) -> None:
    shutil.rmtree(own_library.features_path)
    last: dict[str, tuple[int, int]] = {}
    run = RunRegistry(own_library).create(spec())

    execute(run, own_library, lambda stage, done, total: last.update({stage: (done, total)}))

    assert {*last} == {"features", "training", "evaluation"}
    assert all(done == total for done, total in last.values())


def test_without_labels_a_run_is_measured_by_the_neighbours_of_its_features(
    settings: Settings,
) -> None:
    unlabelled(settings)

    run = executed(settings, dataset="bare", label_set="")

    assert run.state() == "done"
    assert len(run.load_codes("database")[0]) == 24
    assert run.status().unmeasured == ""
    assert run.relevances == ["neighbours@10"]
    report = run.report()
    assert report.relevance == "neighbours@10"
    assert report.value("precision_at_10") == pytest.approx(report.value("neighbours_at_10"))
    assert len(run.query_aps()) == report.n_query
    bare = load_dataset("bare", settings)
    cosine = cosine_report(run.spec, bare, settings, relevance="neighbours@10")
    assert cosine.map == pytest.approx(1)  # the features keep their own neighbours


def test_labelled_runs_are_measured_by_neighbours_beside_their_labels(
    own_library: Settings, shapes: RetrievalDataset
) -> None:
    run = executed(own_library)
    by_labels = run.report()
    cache = cache_of(run, own_library)

    found = evaluate_run(run, shapes, own_library, cache, relevance="neighbours@10")

    assert run.relevances == ["labels", "neighbours@10"]
    assert run.report() == by_labels  # which stays the default
    assert run.report("neighbours@10") == found.report
    assert found.report.map != by_labels.map
    aps = run.query_aps("neighbours@10")
    assert aps.mean() == pytest.approx(found.report.map)
    assert not np.array_equal(aps, run.query_aps())
    with pytest.raises(RunError, match="of which all would be among the 100 nearest"):
        evaluate_run(run, shapes, own_library, cache, relevance="neighbours@100")
    with pytest.raises(ValueError, match="unknown relevance 'copy'"):
        evaluate_run(run, shapes, own_library, cache, relevance="copy")


def test_without_labels_and_features_codes_are_kept_and_the_reason_said(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object, **__: object) -> None:
        raise OSError("no space left")

    unlabelled(settings)
    monkeypatch.setattr(measurement, "cosine_neighbours", gone)

    run = executed(settings, dataset="bare", label_set="")

    assert run.state() == "done"
    assert len(run.load_codes("database")[0]) == 24
    assert run.relevances == []
    assert run.status().unmeasured == "its relevance needs the features: no space left"


def test_labels_that_all_images_share_are_not_measured_and_the_reason_is_kept(
    settings: Settings, tmp_path: Path
) -> None:
    for i in range(12):
        put(tmp_path / "one", f"cat/{i}.png", png((20 * i, 40, 9)))
    imported(tmp_path / "one", settings)

    run = executed(settings, method="lsh")

    assert run.state() == "done"
    assert run.relevances == []  # nine images in the database are too few for neighbours, too
    assert "any order would be perfect, and its database holds 9 images" in run.status().unmeasured
    with pytest.raises(RunError, match="cannot be measured: every database image shares a label"):
        evaluate_run(run, load_dataset("shapes", settings), settings, cache_of(run, settings))


def test_without_labels_a_supervised_method_is_refused(settings: Settings, spies: None) -> None:
    unlabelled(settings)

    with pytest.raises(DatasetError, match="needs labels, and 'bare' has none"):
        executed(settings, dataset="bare", label_set="", method="spy_taught")


def test_baselines_are_measured_after_the_run_is_done_with_progress(own_library: Settings) -> None:
    shutil.rmtree(own_library.home / "baselines")
    run, seen = RunRegistry(own_library).create(spec(method="lsh")), []

    execute(
        run, own_library, lambda *step: seen.append((*step, run.status().state, run.status().stage))
    )

    assert {(stage, state, at) for stage, _, _, state, at in seen if stage in BASELINES} == {
        (stage, "done", "baselines") for stage in BASELINES
    }
    assert [(done, total) for stage, done, total, *_ in seen if stage == "colours"][-1] == (40, 40)
    assert (run.status().state, run.status().stage) == ("done", "")


@pytest.mark.parametrize("error", [MemoryError(), OSError("the disk is full"), ValueError("NaN")])
def test_a_baseline_that_fails_leaves_the_run_done(
    own_library: Settings, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    shutil.rmtree(own_library.home / "baselines")
    run = RunRegistry(own_library).create(spec(method="lsh"))

    def fail(stage: str, *_: int) -> None:
        if stage in BASELINES:
            raise error

    execute(run, own_library, fail)

    assert (run.status().state, run.status().stage, run.status().error) == ("done", "", "")
    assert run.report().map > 0
    assert caplog.text.count("is not measured: ") == 2
    assert "is not measured: " in (run.folder / "log.txt").read_text("utf-8")


def test_a_stop_while_baselines_are_measured_leaves_the_run_done(own_library: Settings) -> None:
    shutil.rmtree(own_library.home / "baselines")
    run = RunRegistry(own_library).create(spec(method="lsh"))

    def stop(stage: str, *_: int) -> None:
        if stage == "cosine":
            run.stop()

    execute(run, own_library, stop)

    assert (run.status().state, run.status().stage) == ("done", "")
    assert not (run.folder / "cancel").exists()
    assert "stopped measuring the baselines" in (run.folder / "log.txt").read_text("utf-8")
    assert not list((own_library.home / "baselines").glob("colour-*"))


def test_a_run_that_was_deleted_does_not_come_back(
    own_library: Settings, done_run: Run, shapes
) -> None:
    RunRegistry(own_library).delete(done_run)

    follow_up(done_run, shapes, own_library, FeatureCache(load_backbone("tiny"), own_library))

    assert not done_run.folder.exists()


def test_the_cosine_row_is_measured_once_and_centred_on_the_training_images(
    own_library: Settings, shapes
) -> None:
    shutil.rmtree(own_library.home / "baselines")
    cache = FeatureCache(load_backbone("tiny"), own_library)
    assert cosine_report(spec(), shapes, own_library) is None

    report = cosine_report(spec(), shapes, own_library, cache)

    assert report is not None
    assert report == cosine_report(spec(method="lsh", bits=8), shapes, own_library)
    assert cosine_report(spec(split_seed=1), shapes, own_library) is None
    split = make_split(shapes, spec().evaluation_protocol(), shapes.label_set(), seed=0)
    features, labels = np.array(cache.get(shapes)), shapes.labels(shapes.label_set())
    features -= features[split.train].mean(axis=0)
    expected = evaluate_cosine(
        features[split.query],
        features[split.database],
        labels[split.query],
        labels[split.database],
        spec().evaluation_protocol(),
    ).report
    assert report.map == pytest.approx(expected.map)


def test_of_more_images_than_asked_for_a_sample_by_class_trains(own_library: Settings) -> None:
    dataset = load_dataset("shapes", own_library)
    run = RunRegistry(own_library).create(spec(max_train=20))

    execute(run, own_library)

    parts = IndexItems(run, dataset, np.arange(len(dataset)))
    assert parts.accepted(Where(split="train")).sum() == 20
    trained = dataset.labels(dataset.label_set())[parts.accepted(Where(split="train"))]
    assert trained.sum(axis=0).tolist() == [5, 5, 5, 5]
    assert "trains on 20 of 32 images, drawn by class" in (run.folder / "log.txt").read_text()
    assert len(run.load_codes("database")[0]) == 32
