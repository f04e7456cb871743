"""Own vectors: imported whole, used like the features of a network, and never replaced silently."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models.backbones.registry import load_backbone as load_network
from models.errors import WeightsError
from pipeline.backbones import load_backbone
from pipeline.datasets.dataset import DatasetError, RetrievalDataset, load_dataset
from pipeline.features import FeatureCache
from pipeline.images import ImageError
from pipeline.index.index_jobs import verify
from pipeline.index.publish import publish
from pipeline.index.search import encode_image
from pipeline.index.store.memory import MemoryCodeStore
from pipeline.runs.execute import execute
from pipeline.runs.registry import RunRegistry
from pipeline.runs.run import Run
from pipeline.settings import Settings
from pipeline.stored_features import StoredFeatures, find_stored, own_vectors
from pipeline.vectors.importing import plan_vectors, remove_vectors, store_vectors
from pipeline.vectors.request import VectorsRequest
from tests.factories import cache_of, imported, spec, write_images


@pytest.fixture
def features(shapes: RetrievalDataset, own_library: Settings) -> np.ndarray:
    """Features (40, 64) of the tiny network, of a size that half precision can hold."""
    found = FeatureCache(load_network("tiny"), own_library).get(shapes)
    return np.asarray(found / np.abs(found).max())


def saved(folder: Path, vectors: np.ndarray, ids: object = None, name: str = "own") -> list[str]:
    """Files of vectors and ids as np.save writes them, as options of the import."""
    np.save(folder / f"{name}.npy", vectors)
    if ids is None:
        return []
    np.save(folder / f"{name}_ids.npy", np.array(ids, dtype=str))
    return [str(folder / f"{name}_ids.npy")]


def bring(folder: Path, settings: Settings, vectors: np.ndarray, ids: object = None, **more):
    """Import vectors as `own`, or as more says; returns the plan."""
    fields = {"dataset": "shapes", "source": str(folder / "own.npy"), "name": "own"}
    names = saved(folder, vectors, ids)
    request = VectorsRequest(**{**fields, "ids": tuple(names), **more})
    plan = plan_vectors(request, settings)
    store_vectors(plan, settings)
    return plan


def executed(settings: Settings, backbone: str) -> Run:
    run = RunRegistry(settings).create(spec(backbone=backbone))
    execute(run, settings)
    return run


def test_a_run_on_exported_features_equals_that_of_the_network(
    tmp_path, own_library, shapes, features
) -> None:
    order = np.random.default_rng(1).permutation(40)
    ids = shapes.manifest["image_id"].to_numpy()[order]
    scaled = FeatureCache(load_network("tiny"), own_library).get(shapes)

    bring(tmp_path, own_library, np.asarray(scaled)[order], ids)

    own, network = executed(own_library, "vectors:own"), RunRegistry(own_library).all()[-1]
    for split in ("query", "database"):
        (codes, rows), (expected, same) = own.load_codes(split), network.load_codes(split)
        assert np.array_equal(rows, same)
        assert np.array_equal(codes.packed, expected.packed)
    assert own.report().values == network.report().values


def test_half_precision_in_another_order_gives_each_image_its_vector(
    tmp_path, own_library, shapes, features
) -> None:
    order = np.random.default_rng(1).permutation(40)
    ids = shapes.manifest["image_id"].to_numpy()[order]

    plan = bring(tmp_path, own_library, features[order].astype(np.float16), ids)

    stored = find_stored("vectors:own", own_library)
    assert stored is not None
    assert np.array_equal(
        stored.read(shapes, np.arange(40)), features.astype(np.float16).astype(np.float32)
    )
    assert "converted from float16 to float32" in plan.notes
    assert not plan.missing


def test_everything_but_new_images_works_on_them(tmp_path, own_library, shapes, features) -> None:
    bring(tmp_path, own_library, features)
    run, store = executed(own_library, "vectors:own"), MemoryCodeStore()

    publish(run, shapes, store)

    assert "encoded again give the same codes" in verify(run, shapes, store)
    assert run.report().map > 0.3
    assert "copies" not in run.all_relevances
    with pytest.raises(WeightsError, match="vectors:own are vectors imported without a network; "):
        encode_image(shapes.load_image(0), run.load_backbone(), run.load_method())


def test_where_the_name_is_a_network_that_gives_them_it_encodes_uploads(
    tmp_path, own_library, shapes
) -> None:
    tiny = load_network("tiny")
    features = np.asarray(FeatureCache(tiny, own_library).get(shapes))
    units = features / np.linalg.norm(features, axis=1, keepdims=True)

    plan = bring(tmp_path, own_library, units, name="tiny")

    assert any("gives the same vectors" in note for note in plan.notes)
    found = load_backbone("vectors:tiny", own_library).embed([shapes.load_image(3)]).numpy()
    assert np.allclose(found[0], units[3], atol=1e-5)


def test_a_network_of_the_name_that_gives_others_encodes_nothing(
    tmp_path, own_library, shapes, rng
) -> None:
    plan = bring(tmp_path, own_library, rng.normal(size=(40, 64)), name="tiny")

    assert any("gives other vectors here (cosine" in note for note in plan.notes)
    with pytest.raises(WeightsError, match="imported without a network"):
        load_backbone("vectors:tiny", own_library).embed([shapes.load_image(3)])


def test_the_same_again_changes_nothing_and_other_content_is_refused(
    tmp_path, own_library, shapes, features
) -> None:
    bring(tmp_path, own_library, features)
    cache = FeatureCache(load_backbone("vectors:own", own_library), own_library)

    again = bring(tmp_path, own_library, features)

    assert again.n_known == 40
    other = features.copy()
    other[7] *= 1.001
    with pytest.raises(DatasetError, match=r"holds other vectors of 1 image, .*another name"):
        bring(tmp_path, own_library, other)
    with pytest.raises(DatasetError, match="has 64 dimensions, and these vectors have 63"):
        bring(tmp_path, own_library, features[:, :63])
    assert np.array_equal(cache.get(shapes), features)


def test_vectors_of_further_images_are_added_and_their_lack_is_said(
    tmp_path, own_library, shapes, features
) -> None:
    ids = shapes.manifest["image_id"].to_numpy()
    first = bring(tmp_path, own_library, features[:30], ids[:30])
    fingerprint = load_backbone("vectors:own", own_library).fingerprint
    assert first.missing.startswith("10 images without a vector: ")
    with pytest.raises(WeightsError, match="10 of 40 images of 'shapes' have no vector in vectors"):
        executed(own_library, "vectors:own")

    rest = bring(tmp_path, own_library, features[25:], ids[25:])

    assert not rest.missing
    assert rest.n_known == 5
    assert load_backbone("vectors:own", own_library).fingerprint == fingerprint
    assert executed(own_library, "vectors:own").status().state == "done"


def test_an_import_that_dies_half_way_is_not_seen(
    tmp_path, own_library, shapes, features, monkeypatch
) -> None:
    def killed(self: StoredFeatures, about: object, *, again: bool = False) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as dying:
        dying.setattr(StoredFeatures, "describe", killed)
        with pytest.raises(KeyboardInterrupt):
            bring(tmp_path, own_library, features)

    assert own_vectors(own_library) == {}
    with pytest.raises(WeightsError, match="no vectors are imported as vectors:own"):
        load_backbone("vectors:own", own_library)
    bring(tmp_path, own_library, features)
    assert list(own_vectors(own_library)) == ["vectors:own"]


def test_vectors_with_runs_are_not_removed_and_figures_of_removed_ones_are_not_used_again(
    tmp_path, own_library, shapes, features, rng
) -> None:
    bring(tmp_path, own_library, features)
    with pytest.raises(DatasetError, match="cannot be removed while runs depend on it: 1"):
        remove_vectors("own", own_library, lambda name: ["a-run"])
    run = executed(own_library, "vectors:own")
    before = cosine_map(run, shapes, own_library)

    remove_vectors("own", own_library, lambda name: [])
    bring(tmp_path, own_library, rng.normal(size=(40, 64)))

    assert cosine_map(run, shapes, own_library) != before


def cosine_map(run: Run, shapes: RetrievalDataset, settings: Settings) -> float:
    from pipeline.runs.baselines import cosine_report

    report = cosine_report(run.spec, shapes, settings, cache_of(run, settings))
    assert report is not None
    return report.map


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"method": "dpsh", "finetune": {"stages": 1}}, "without a network to fine-tune"),
        ({"method": "cibhash"}, "trains on augmented images"),
    ],
)
def test_what_needs_images_in_a_network_is_refused_when_it_is_asked_for(changes, reason) -> None:
    with pytest.raises(ValueError, match=reason):
        spec(backbone="vectors:own", **changes)


def test_a_data_set_of_vectors_has_ids_and_labels_and_no_pictures(tmp_path, settings, rng) -> None:
    centres = rng.normal(size=(4, 16))
    classes = np.repeat(np.arange(4), 25)
    np.savez(
        tmp_path / "sift.npz",
        vectors=centres[classes] + rng.normal(size=(100, 16)) / 4,
        ids=np.array([f"im{i}" for i in range(100)]),
        labels=classes,
    )
    request = VectorsRequest(
        dataset="sift", source=str(tmp_path / "sift.npz"), name="sift", new=True
    )

    store_vectors(plan_vectors(request, settings), settings)

    dataset = load_dataset("sift", settings)
    assert dataset.manifest["image_id"].tolist()[:2] == ["im0", "im1"]
    assert dataset.info.label_sets[0].classes == ("0", "1", "2", "3")
    with pytest.raises(ImageError, match="made of vectors and has no pictures"):
        dataset.load_image(0)
    run = RunRegistry(settings).create(
        spec(dataset="sift", backbone="vectors:sift", label_set="labels", bits=8)
    )
    execute(run, settings)
    assert run.report().map > 0.9
    with pytest.raises(WeightsError, match="'sift' is made of vectors, so tiny finds no pictures"):
        execute(RunRegistry(settings).create(spec(dataset="sift", label_set="labels")), settings)
    with pytest.raises(DatasetError, match="is here already; leave out --new"):
        plan_vectors(request, settings)


def test_files_of_training_and_test_vectors_become_the_split(tmp_path, settings, rng) -> None:
    from scipy.io import savemat

    savemat(
        tmp_path / "gist.mat",
        {
            "traindata": rng.normal(size=(30, 8)),
            "testdata": rng.normal(size=(10, 8)),
            "traingnd": np.arange(30)[:, None] % 3,
            "testgnd": np.arange(10)[:, None] % 3,
        },
    )
    request = VectorsRequest(
        dataset="gist",
        source=str(tmp_path / "gist.mat"),
        vectors=("traindata", "testdata"),
        labels=("traingnd", "testgnd"),
        new=True,
    )

    store_vectors(plan_vectors(request, settings), settings)

    dataset = load_dataset("gist", settings)
    assert dataset.manifest["split"].value_counts().to_dict() == {"train": 30, "query": 10}
    assert dataset.info.default_protocol == "given"
    assert dataset.info.label_sets[0].classes == ("0", "1", "2")


def test_without_ids_a_vector_per_column_is_turned_round(
    tmp_path, own_library, shapes, features
) -> None:
    plan = bring(tmp_path, own_library, features.T)

    assert "one vector per column, turned round" in plan.notes
    assert np.array_equal(plan.rows, features)
    assert any(note.startswith("no ids: taken in the order of the images") for note in plan.notes)


def test_grown_data_sets_keep_their_vectors(tmp_path, own_library, features) -> None:
    bring(tmp_path, own_library, features)
    other = imported(write_images(tmp_path / "more", seed=5), own_library, "more")

    plan = bring(tmp_path, own_library, features[::-1], dataset="more")

    assert plan.n_known == 0
    assert len(own_vectors(own_library)["vectors:own"][0]) == 80
    assert len(other) == 40


def test_the_command_says_the_same() -> None:
    request = VectorsRequest(
        dataset="pets", source="a b.npy", name="x", ids=("i.csv",), new=True, unit=True
    )

    assert request.command() == (
        "python -m pipeline features import pets 'a b.npy' --name x --ids i.csv --new --unit-length"
    )
    assert request.backbone == "vectors:x"
    assert VectorsRequest(dataset="d", source="dir/feats.v2.npz").backbone == "vectors:feats"
