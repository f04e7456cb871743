"""Search by words: the towers' spaces meet at their means, and what has no text tower says so."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from models.backbones.registry import load_backbone
from models.errors import WeightsError
from pipeline.datasets.dataset import RetrievalDataset, load_dataset
from pipeline.index import text_search
from pipeline.index.cosine import cosine_of, sample_mean
from pipeline.index.search import encode_image
from pipeline.index.text_query import check_text
from pipeline.index.text_search import encode_text, mean_of_texts, why_no_text
from pipeline.runs.execute import execute
from pipeline.runs.registry import RunRegistry
from pipeline.runs.run import Run
from pipeline.settings import Settings
from pipeline.stored_features import find_stored
from tests.factories import imported, spec, write_images
from tests.models.small_clip import NAME, write_small_clip

pytest.importorskip("open_clip", reason="open_clip_torch is not installed")


@pytest.fixture(scope="module")
def clip_library(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The shapes with a run on a small CLIP of random weights; not to be changed."""
    folder = tmp_path_factory.mktemp("clip")
    settings = Settings(home=folder / "library", threads=1)
    imported(write_images(folder / "shapes"), settings)
    name = f"clip:{NAME}@{write_small_clip(folder)}"
    execute(RunRegistry(settings).create(spec(backbone=name, bits=12)), settings)
    return settings


@pytest.fixture
def clip_run(clip_library: Settings) -> Run:
    return RunRegistry(clip_library).all()[0]


def encoded(text: str, run: Run, settings: Settings, backbone=None):
    dataset = load_dataset("shapes", settings)
    backbone = backbone or run.load_backbone()
    return encode_text(text, run, dataset, backbone, run.load_method(), settings)


def test_a_run_on_a_clip_is_measured_and_keeps_the_hash_of_its_weights(clip_run: Run) -> None:
    assert clip_run.status().state == "done"
    assert clip_run.spec.backbone.startswith(f"clip:{NAME}@")
    assert "#" in clip_run.spec.backbone
    assert clip_run.load_backbone().name == clip_run.spec.backbone


def test_words_go_through_the_head_of_the_images(clip_run, clip_library) -> None:
    dataset, backbone = load_dataset("shapes", clip_library), clip_run.load_backbone()

    query = encoded("a red circle", clip_run, clip_library)

    stored = find_stored(clip_run.spec.backbone, clip_library)
    assert stored is not None
    text = backbone.embed_texts(["a red circle"]).numpy()[0]
    centred = text - mean_of_texts(backbone, dataset)
    assert np.allclose(query.features - sample_mean(dataset, stored), centred, atol=1e-5)
    with torch.inference_mode():
        relaxed = clip_run.load_method().relax(torch.from_numpy(query.features[None])).numpy()
    assert np.array_equal(query.code.signs(), np.where(relaxed >= 0, 1, -1))


def test_blanks_do_not_matter_and_other_words_do(clip_run, clip_library) -> None:
    first, same, other = (
        encoded(text, clip_run, clip_library) for text in ("a dog", "  a   dog ", "green stripes")
    )

    assert np.array_equal(first.features, same.features)
    assert not np.array_equal(first.features, other.features)


def test_where_texts_lie_apart_from_images_words_find_their_class_all_the_same(
    own_library: Settings, shapes: RetrievalDataset, monkeypatch
) -> None:
    """A text tower that puts a class where its images are, but for a gap between modalities."""
    run = RunRegistry(own_library).all()[0]
    stored = find_stored("tiny", own_library)
    assert stored is not None
    features = stored.read(shapes, np.arange(40))
    labels = shapes.labels(shapes.label_set())
    classes = shapes.label_set().classes
    mean, scale = features.mean(axis=0), features.std()
    gap = 40 * scale * np.random.default_rng(0).normal(size=64)

    def text_tower(texts: list[str]) -> torch.Tensor:
        rows = []
        for text in texts:
            known = [
                features[labels[:, c]].mean(axis=0) for c, n in enumerate(classes) if n in text
            ]
            rows.append((known[0] if known else mean) + gap)
        return torch.from_numpy(np.array(rows, np.float32))

    monkeypatch.setattr(text_search, "has_text_tower", lambda name, settings: True)
    backbone = replace(load_backbone("tiny"), text_tower=text_tower)
    cosine = cosine_of(run, shapes, own_library, lambda: backbone)

    def precision(of_query) -> float:
        hits = []
        for column, name in enumerate(classes):
            order = np.argsort(cosine.values(of_query(name))(np.arange(40)))[:5]
            hits.append(labels[order, column].mean())
        return float(np.mean(hits))

    def as_it_is(name: str) -> np.ndarray:
        return text_tower([name]).numpy()[0]

    centred = precision(lambda name: encoded(name, run, own_library, backbone).features)
    assert centred > 0.9
    assert precision(as_it_is) < centred - 0.2


@pytest.mark.parametrize(
    ("text", "reason"), [("  ", "needs at least one word"), ("x" * 301, "takes 300 characters")]
)
def test_texts_without_words_and_endless_ones_are_refused(text, reason) -> None:
    with pytest.raises(ValueError, match=reason):
        check_text(text)


def test_without_a_text_tower_it_is_said_which_has_one(library: Settings) -> None:
    run = RunRegistry(library).all()[0]

    assert "tiny has no text tower" in why_no_text(run, library)
    with pytest.raises(WeightsError, match="runs on a backbone clip:NAME can"):
        encoded("a dog", run, library)


def test_a_tower_that_learned_alone_is_not_searched_by_words(clip_run, clip_library) -> None:
    tuned = spec(backbone=clip_run.spec.backbone, method="dpsh", finetune={"stages": 1})
    run = RunRegistry(clip_library).create(tuned)
    try:
        assert "the text tower did not" in why_no_text(run, clip_library)
    finally:
        RunRegistry(clip_library).delete(run)


def test_images_still_search_beside_words(clip_run, clip_library) -> None:
    dataset = load_dataset("shapes", clip_library)
    codes, rows = clip_run.load_codes("query")

    image = dataset.load_image(int(rows[0]))
    query = encode_image(image, clip_run.load_backbone(), clip_run.load_method())

    assert np.array_equal(query.code.packed[0], codes.packed[0])


def test_weights_that_are_gone_leave_the_run_readable(clip_library, tmp_path: Path) -> None:
    weights = write_small_clip(tmp_path)
    asked = spec(backbone=f"clip:{NAME}@{weights}", bits=6)
    weights.unlink()

    run = RunRegistry(clip_library).create(asked)
    try:
        assert run.spec.problem() == ""
        with pytest.raises(WeightsError, match=r"small_clip.safetensors cannot be read"):
            run.load_backbone()
    finally:
        RunRegistry(clip_library).delete(run)
