"""Runs as ONNX files: their codes are those of the run."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms import v2
from torchvision.transforms._presets import ImageClassification

from models.codes import HashCodes
from models.method import TrainingSet
from models.registry import get_method
from pipeline.backbones import load_backbone
from pipeline.runs.execute import execute
from pipeline.runs.registry import RunRegistry
from pipeline.runs.run import Run
from pipeline.sharing.code_files import write_codes
from pipeline.sharing.onnx_file import (
    Comparison,
    ExportError,
    Preparation,
    compare_onnx,
    preparation,
    traced,
    write_onnx,
)
from tests.factories import ROOT, spec

onnxruntime = pytest.importorskip("onnxruntime")


def test_codes_of_the_file_are_those_of_the_run_bit_by_bit(library, shapes, tmp_path):
    [run] = RunRegistry(library).all()
    path = tmp_path / "model.onnx"

    write_onnx(run, path)
    compared = compare_onnx(path, run, shapes, library)

    assert compared == Comparison(40, 40, 0, 0.0)
    assert str(compared) == "40 of 40 codes equal those of the run bit by bit"
    session = onnxruntime.InferenceSession(path)
    about = json.loads(session.get_modelmeta().custom_metadata_map["hashlens"])
    assert (about["bits"], about["backbone"], about["crop"]) == (16, "tiny", [32, 32])
    assert [path.name for path in tmp_path.iterdir()] == ["model.onnx"]


def test_the_example_of_the_documents_finds_the_image_itself(
    library, shapes, tmp_path, monkeypatch
):
    """It imports nothing of HashLens, and has 20 lines."""
    [run] = RunRegistry(library).all()
    text = (ROOT / "docs" / "sharing.md").read_text("utf-8")
    [example] = re.findall(r"^```python onnx\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    write_onnx(run, tmp_path / "model.onnx")
    ids = write_codes(run, shapes, tmp_path / "codes.npy")
    shapes.load_image(7).save(tmp_path / "photo.jpg", "PNG")  # without a loss
    monkeypatch.chdir(tmp_path)

    names: dict = {}
    exec(compile(example, "docs/sharing.md", "exec"), names)

    assert len([line for line in example.splitlines() if line.strip()]) <= 20
    assert "pipeline" not in example
    row = ids.read_text("utf-8").splitlines()[1 + names["nearest"][0]]
    assert names["distances"][names["nearest"][0]] == 0
    codes = np.load(tmp_path / "codes.npy")
    same = np.flatnonzero((codes == codes[names["nearest"][0]]).all(1))
    own = [i for i, line in enumerate(ids.read_text("utf-8").splitlines()[1:])
           if shapes.manifest["sha256"].iloc[7] in line]  # fmt: skip
    assert own[0] in same
    assert row.count(",") >= 3


@pytest.mark.parametrize("name", ["agh", "hashnet"])
def test_every_kind_of_head_can_be_traced(name, rng, tmp_path):
    method = get_method(name)(12, seed=0)
    features = torch.from_numpy(rng.normal(size=(80, 8)).astype(np.float32))
    labels = torch.arange(80)[:, None] % 4 == torch.arange(4)
    method.fit(TrainingSet((features,) * method.card.views, labels))

    traced(method, None, None).save(tmp_path / "head.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "head.onnx")
    packed, _ = session.run(None, {"features": features.numpy()})

    assert np.array_equal(packed, method.encode(features).packed)


def test_a_file_that_gives_other_codes_is_refused(own_library, done_run, shapes, tmp_path):
    path = tmp_path / "model.onnx"
    write_onnx(done_run, path)
    codes, rows = done_run.load_codes("database")
    done_run.save_codes("database", HashCodes(~codes.packed, codes.bits), rows)

    with pytest.raises(ExportError, match=r"is not usable: \d+ of 40 codes equal"):
        compare_onnx(path, done_run, shapes, own_library)


def test_a_fine_tuned_backbone_goes_with_the_file(own_library, shapes, tmp_path):
    tuned = spec(method="dpsh", bits=8, finetune={"augment": False}, config={"epochs": 1})
    run = RunRegistry(own_library).create(tuned)
    execute(run, own_library)
    path = tmp_path / "model.onnx"

    write_onnx(run, path)

    assert compare_onnx(path, run, shapes, own_library).n_equal == 40


def test_pixels_are_prepared_as_torchvision_does(rng, settings):
    backbone = load_backbone("tiny", settings)
    for size in ((50, 41), (33, 90), (20, 20), (32, 32)):
        values = rng.integers(0, 256, (*size[::-1], 3), dtype=np.uint8)
        image = Image.fromarray(values)
        found = preparation(backbone)
        pixels = torch.from_numpy(found.pixels(image).copy()).permute(2, 0, 1).float() / 255
        mean, std = (torch.tensor(one).view(3, 1, 1) for one in (found.mean, found.std))
        assert torch.allclose((pixels - mean) / std, backbone.preprocess(image), atol=1e-6)
    preset = replace(backbone, preprocess=ImageClassification(crop_size=24, resize_size=28))
    assert preparation(preset) == Preparation(
        28, (24, 24), "bilinear", (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    )


class Wavering(torch.nn.Module):
    """A network whose way depends on what it sees, which ONNX cannot follow."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        means = images.flatten(1)[:, :64]
        return means if means.sum() > 0 else -means


def test_a_network_that_onnx_cannot_express_says_what_to_do(
    library, settings, tmp_path, monkeypatch
):
    [run] = RunRegistry(library).all()
    odd = replace(load_backbone("tiny", settings), network=Wavering())
    monkeypatch.setattr(Run, "load_backbone", lambda _: odd)

    with pytest.raises(
        ExportError, match=r"^tiny with itq cannot be written as ONNX .*export codes"
    ):
        write_onnx(run, tmp_path / "model.onnx")

    assert not list(tmp_path.glob("*.onnx*"))


def test_what_cannot_be_exported_says_why(library, settings, tmp_path, monkeypatch):
    [run] = RunRegistry(library).all()
    with pytest.raises(ExportError, match=r"must end in \.onnx"):
        write_onnx(run, tmp_path / "model.pt")
    backbone = load_backbone("tiny", settings)
    turned = replace(backbone, preprocess=v2.Compose([v2.RandomRotation(3), v2.ToImage()]))
    with pytest.raises(ExportError, match="a step that is not exported, RandomRotation"):
        preparation(turned)
    bare = replace(backbone, preprocess=v2.Compose([v2.ToImage()]))
    with pytest.raises(ExportError, match="without resize, crop and normalise"):
        preparation(bare)
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(ExportError, match=r"onnx is not installed; pip install -r requirements-ex"):
        write_onnx(run, tmp_path / "model.onnx")
