"""What several tests of the dashboard need: a small library, and pages of it in words."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image
from streamlit.testing.v1 import AppTest

from pipeline.datasets.dataset import load_dataset
from pipeline.index.publish import publish, read_index
from pipeline.index.store.opening import open_store
from pipeline.runs.execute import execute
from pipeline.runs.registry import RunRegistry
from pipeline.runs.run import Run
from pipeline.runs.spec import RunSpec
from pipeline.settings import Settings
from tests.qdrant_stub import QdrantStub

MAIN = Path(__file__).resolve().parents[2] / "dashboard" / "main.py"
HOSTILE = "![x](http:&#47;&#47;a.example) <b>bold<b> $x$"  # a file name that tries to be markup
OpenApp = Callable[..., AppTest]


def draw_images(folder: Path) -> None:
    """20 noisy images per class: warm stripes, green squares, blue gradients."""
    rng = np.random.default_rng(0)
    ramp = np.linspace(0, 1, 32)
    for name in ("stripes", "squares", "gradients"):
        (folder / name).mkdir(parents=True)
        for number in range(20):
            pixels = rng.integers(0, 40, (32, 32, 3)).astype(float)
            if name == "stripes":
                pixels[:, :: 2 + number % 3] += (200, 90, 20)
            elif name == "squares":
                pixels[6 : 20 + number % 6, 8:24] += (20, 190, 60)
            else:
                pixels += ramp[:, None, None] * (30, 60, 200)
            image = Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
            stem = HOSTILE if (name, number) == ("squares", 7) else f"{name} {number:02d}"
            image.save(folder / name / f"{stem}.png")


def train(settings: Settings, dataset: str, method: str = "itq", **changes: object) -> Run:
    usual = {"backbone": "tiny", "bits": 12}
    spec = RunSpec(dataset=dataset, method=method, **{**usual, **changes})
    run = RunRegistry(settings).create(spec)
    execute(run, settings)
    return run


def published_run(home: Path) -> Run:
    runs = RunRegistry(Settings(home=home)).all()
    return next(run for run in runs if read_index(run))


def publish_on(stub: QdrantStub, home: Path) -> Run:
    """The published run of a library, on a server as well."""
    run, settings = published_run(home), Settings(home=home, qdrant_url=stub.url)
    store = open_store(stub.url, check_compatibility=False)
    publish(run, load_dataset(run.spec.dataset, settings), store, force=True)
    store.close()
    return run


def png(colour: str = "red") -> bytes:
    content = io.BytesIO()
    Image.new("RGB", (40, 30), colour).save(content, "PNG")
    return content.getvalue()


def texts(app: AppTest) -> str:
    """All text on the page, without the escapes of Markdown."""
    kinds = (app.markdown, app.caption, app.text, app.error, app.warning, app.info, app.html)
    return "\n".join(str(one.value) for kind in kinds for one in kind).replace("\\", "")


def button(app: AppTest, label: str):
    """The first button whose label begins so."""
    return next(one for one in app.button if one.label.startswith(label))


def link_on(app: AppTest) -> str:
    """The address that Copy link copies."""
    assert not app.exception
    drawn = [json.loads(one.proto.json) for one in app.get("bidi_component")]
    return next(one["link"] for one in drawn if "link" in one)
