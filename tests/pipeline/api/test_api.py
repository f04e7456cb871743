"""HashLens from Python, as docs/api.md has it."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV

from models.codes import HashCodes
from models.errors import NotFittedError
from pipeline import api
from pipeline.api import Hasher, Index, encode_images, evaluate_codes, open_run
from pipeline.evaluation.evaluate import evaluate
from pipeline.evaluation.ranking import ranked
from pipeline.images import ImageError
from pipeline.runs.results import RunError
from tests.factories import ROOT


@pytest.fixture(scope="module")
def digits():
    return load_digits(return_X_y=True)


def test_every_example_of_the_document_runs(library, image_folder, tmp_path, monkeypatch, capsys):
    text = (ROOT / "docs" / "api.md").read_text("utf-8")
    blocks = re.findall(r"^```python( \w+)?\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HASHLENS_HOME", str(library.home))
    for name in ("a.jpg", "b.jpg"):
        shutil.copy(image_folder / "dots" / "000.jpg", tmp_path / name)

    names: dict = {}
    for _, block in blocks:
        exec(compile(block, "docs/api.md", "exec"), names)

    assert len(blocks) == 5
    first = [line for line in blocks[0][1].splitlines() if line.strip()]
    assert len(first) == 5
    assert re.match(r"mAP 0\.[5-9]\d\d, interval 0\.[4-9]", capsys.readouterr().out)
    assert names["features"].shape == (2, 1280)
    assert np.array_equal(names["features"][0], names["features"][1])
    assert names["found"].ids[0][0].endswith(".jpg") or names["found"].distances[0][0] == 0
    same, hasher = (names[name].transform(names["X"]) for name in ("same", "hasher"))
    assert np.array_equal(same, hasher)
    assert names["supervised"].classes_.tolist() == list(range(10))


def test_a_hasher_is_an_estimator(digits):
    X, y = digits
    hasher = Hasher("pcah", bits=12, random_state=3)

    copy = clone(hasher).set_params(bits=16)

    assert copy.get_params() == {
        "method": "pcah", "bits": 16, "settings": None, "random_state": 3,
    }  # fmt: skip
    codes = hasher.fit_transform(X)
    assert (codes.shape, codes.dtype) == ((len(X), 2), np.uint8)
    assert not (codes[:, 1] & 0b1111).any()
    relaxed = hasher.relax(X)
    assert np.array_equal(HashCodes.from_relaxed(relaxed).packed, codes)
    search = GridSearchCV(
        Hasher("pcah", bits=8), {"bits": [4, 8]}, scoring=lambda one, a, b: one.bits, cv=2
    )
    assert search.fit(X[:200], y[:200]).best_params_ == {"bits": 8}


def test_a_search_is_exact_and_tells_a_cut_tie(rng):
    codes = rng.integers(0, 4, (50, 1), dtype=np.uint8)
    index = Index(codes, [f"image {i}" for i in range(50)])

    found = index.search(codes[:5], k=3)

    places, distances = ranked(HashCodes(codes[:5], 8), HashCodes(codes, 8), 3)
    assert found.ids.tolist() == [[f"image {i}" for i in row] for row in places]
    assert np.array_equal(found.distances, distances)
    whole = HashCodes(codes[:5], 8).hamming(HashCodes(codes, 8))
    assert found.is_cut.tolist() == ((whole <= distances[:, -1:]).sum(1) > 3).tolist()
    everything = index.search(codes[:5], k=99)
    assert everything.ids.shape == (5, 50)
    assert not everything.is_cut.any()


def test_measures_are_those_of_the_pipeline(rng):
    codes = rng.integers(0, 256, (60, 2), dtype=np.uint8)
    labels = np.array(list("abc"))[rng.integers(0, 3, 60)]
    hot = labels[:, None] == np.array(list("abc"))

    report = evaluate_codes(codes[:20], codes[20:], labels[:20], labels[20:], cutoff=10)

    both = HashCodes(codes[:20], 16), HashCodes(codes[20:], 16)
    assert report == evaluate(*both, hot[:20], hot[20:], report.protocol).report
    assert report.protocol.cutoff == 10
    assert evaluate_codes(codes[:20], codes[20:], hot[:20], hot[20:], cutoff=10) == report


def test_a_run_encodes_as_it_did_and_finds_its_images(library, shapes, image_folder):
    run = open_run("itq_shapes", home=library.home)
    codes, ids = run.codes()

    encoded = run.encode([image_folder / name for name in ids[:3]])

    assert np.array_equal(encoded, codes[:3])
    found = run.index().search(encoded, k=40)
    for name, row, distances in zip(ids, found.ids, found.distances, strict=False):
        assert name in row[distances == 0]
    assert run.report.n_query == 8
    features = encode_images([image_folder / ids[0]], "tiny", home=library.home)
    assert np.array_equal(run.hasher.transform(features), codes[:1])
    image = Image.open(image_folder / ids[0])
    assert np.array_equal(encode_images([image], "tiny"), features)
    content = (image_folder / ids[0]).read_bytes()
    assert np.array_equal(encode_images([content], "tiny"), features)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda X, y: Hasher("itqq").fit(X), "Did you mean 'itq'"),
        (lambda X, y: Hasher("cibhash").fit(X), "4 augmented views of each image"),
        (lambda X, y: Hasher("csq").fit(X), "CSQ is supervised; give labels as y"),
        (lambda X, y: Hasher("itq").fit(X[0]), r"shape \(n, d\), got \(64,\)"),
        (lambda X, y: Hasher("itq", settings={"x": 1}).fit(X), "x"),
        (lambda X, y: Hasher("csq").fit(X, X[None]), r"shape \(n,\) or \(n, C\), got \(1, 1797"),
        (lambda X, y: Hasher("pcah", 8).fit(X).transform(X[:, :5]), "64-d features"),
        (lambda X, y: Index(X), r"np\.packbits\(bits, axis=1\) packs them"),
        (lambda X, y: Index(np.zeros((3, 1), np.uint8), [1, 2]), "3 codes need as many ids"),
        (lambda X, y: Index(np.zeros((3, 1), "u1")).search(np.zeros((3, 2), "u1")), "8-bit"),
        (lambda X, y: encode_images([]), "there are no images"),
        (lambda X, y: encode_images([b"no image"], "tiny"), "is not a JPEG"),
    ],
)  # fmt: skip
def test_what_does_not_fit_says_so(digits, call, message):
    with pytest.raises((ValueError, ImageError), match=message):
        call(*digits)


def test_what_is_not_there_says_so(library, digits, tmp_path: Path):
    with pytest.raises(NotFittedError, match=r"Hasher\('ud2h'\) must be fitted first"):
        Hasher().transform(digits[0])
    with pytest.raises(NotFittedError):
        Hasher().save(tmp_path)
    with pytest.raises(RunError, match="nothing"):
        open_run("nothing", home=library.home)
    with pytest.raises(ValueError, match=r"config\.json"):
        Hasher.load(tmp_path)


def test_the_names_of_the_module_are_all_there():
    assert all(hasattr(api, name) for name in api.__all__)
