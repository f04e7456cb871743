"""Runs measured by other labels: the same codes, the same spec as one that is trained by them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models.backbones.registry import load_backbone
from pipeline.datasets.dataset import RetrievalDataset, load_dataset
from pipeline.features import FeatureCache
from pipeline.ingest.add_labels import add_labels
from pipeline.ingest.ingest import import_dataset
from pipeline.ingest.source import Item, Source
from pipeline.runs.execute import execute
from pipeline.runs.experiment import plan
from pipeline.runs.measurement import evaluate_run
from pipeline.runs.registry import RunRegistry
from pipeline.runs.relabelling import relabelled
from pipeline.runs.results import RunError
from pipeline.runs.run import Run
from pipeline.settings import Settings
from tests.factories import half_labelled, spec, unlabelled, write_images


def executed(settings: Settings, **changes: object) -> Run:
    run = RunRegistry(settings).create(spec(**changes))
    execute(run, settings)
    return run


def measured(run: Run, dataset: RetrievalDataset, settings: Settings) -> Run:
    evaluate_run(run, dataset, settings, FeatureCache(load_backbone("tiny"), settings))
    return run


def later(settings: Settings, dataset: str, rows: range) -> RetrievalDataset:
    """The data set with a label set `kind` of some images."""
    ids = load_dataset(dataset, settings).manifest["image_id"].tolist()
    lines = [f"{ids[i]},{'ab'[i // 2 % 2]}" for i in rows]
    add_labels(dataset, "t.csv", "\n".join(["image_id,kind", *lines]).encode(), settings)
    return load_dataset(dataset, settings)


@pytest.mark.parametrize("name", ["bare", "halves"])
def test_a_run_is_measured_by_later_labels_as_if_it_were_trained_by_them(
    settings: Settings, tmp_path: Path, name: str
) -> None:
    if name == "bare":
        unlabelled(settings)
    else:
        half_labelled(tmp_path / "halves", settings)
    run = executed(settings, dataset=name, label_set="" if name == "bare" else "class")
    dataset = later(settings, name, range(26) if name == "bare" else range(1, 34, 2))

    made = measured(relabelled(run, dataset, "kind", settings), dataset, settings)
    trained = executed(settings, dataset=name, label_set="kind")

    assert made.spec == trained.spec
    assert made.status().codes_of == run.id
    assert made.status().n_unlabelled == trained.status().n_unlabelled > 0
    for part in ("query", "database"):
        assert made.load_codes(part)[1].tolist() == trained.load_codes(part)[1].tolist()
        mine, theirs = (one.load_codes(part)[0].packed for one in (made, trained))
        assert np.array_equal(mine, theirs)
    assert made.report().values == trained.report().values
    everything = np.concatenate([made.load_codes(p)[1] for p in ("query", "database", "others")])
    assert sorted(everything) == list(range(len(dataset)))
    again = relabelled(run, dataset, "kind", settings)
    assert again.spec == made.spec  # found, not made again
    assert len(RunRegistry(settings).all()) == 3


def test_earlier_runs_stay_what_they_are(settings: Settings) -> None:
    """An unlabelled run names no labels; those that came since are not its own."""
    unlabelled(settings)
    run = executed(settings, dataset="bare", label_set="")
    dataset = later(settings, "bare", range(30))

    assert relabelled(run, dataset, "kind", settings).id != run.id
    assert measured(run, dataset, settings).report().relevance == "neighbours@10"
    [planned] = plan([run.spec], settings)
    assert (planned.state, planned.run) == ("done", run)


def test_what_depends_on_its_own_labels_is_not_measured_by_others(
    settings: Settings, tmp_path: Path
) -> None:
    half_labelled(tmp_path / "halves", settings)
    runs = {
        "learned from its own labels": executed(settings, dataset="halves", method="dfadh"),
        "held images out by its own": executed(settings, dataset="halves", validation=0.3),
    }
    dataset = later(settings, "halves", range(1, 34, 2))

    for reason, run in runs.items():
        with pytest.raises(RunError, match=reason):
            relabelled(run, dataset, "kind", settings)
    queued = RunRegistry(settings).create(spec(dataset="halves"))
    with pytest.raises(RunError, match="is queued, not done"):
        relabelled(queued, dataset, "kind", settings)


def test_a_run_that_did_not_train_on_unlabelled_images_is_run_again(
    settings: Settings, tmp_path: Path
) -> None:
    half_labelled(tmp_path / "halves", settings)
    run = executed(settings, dataset="halves")
    run.update(n_unlabelled=0)  # as of an earlier version
    dataset = later(settings, "halves", range(1, 34, 2))

    with pytest.raises(RunError, match="is of an earlier version"):
        relabelled(run, dataset, "kind", settings)


def test_its_own_labels_make_no_other_run(done_run: Run, own_library: Settings) -> None:
    dataset = load_dataset("shapes", own_library)

    assert relabelled(done_run, dataset, "class", own_library) == done_run


def test_labels_of_images_that_had_none_draw_queries_of_their_own(
    settings: Settings, tmp_path: Path
) -> None:
    """Earlier runs have trained on these images, so they are trained anew."""
    half_labelled(tmp_path / "halves", settings)
    run = executed(settings, dataset="halves")
    dataset = later(settings, "halves", range(0, 40, 2))

    with pytest.raises(RunError, match="drawn by class, those of 'kind' are drawn by kind"):
        relabelled(run, dataset, "kind", settings)
    assert executed(settings, dataset="halves", label_set="kind").report().n_query == 4


def test_under_a_given_split_any_labels_measure_a_run(settings: Settings, tmp_path: Path) -> None:
    parts = ("train", "query")
    items = [
        Item(f"{n:02d}", path.read_bytes, {"class": (path.parent.name,)}, split=parts[n % 5 == 0])
        for n, path in enumerate(sorted(write_images(tmp_path / "images").rglob("*.*")))
    ]
    facts = {"title": "", "summary": "", "licence": "", "attribution": "", "identity": "4"}
    source = Source(name="given", items=items, kinds={"class": "single"}, **facts)  # type: ignore[arg-type]
    import_dataset(source, settings)
    run = executed(settings, dataset="given", protocol="given")
    dataset = later(settings, "given", range(40))

    made = measured(relabelled(run, dataset, "kind", settings), dataset, settings)

    trained = executed(settings, dataset="given", protocol="given", label_set="kind")
    assert made.report().values == trained.report().values
    assert made.report().n_query == 8
