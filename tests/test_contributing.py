"""The examples of docs/contributing.md work as they stand there."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

import models.backbones
import models.methods
import pipeline.ingest.layouts
from models.backbones import registry as backbones
from models.contract import CHECKS
from models.registry import get_method, list_methods
from pipeline.evaluation import metric_table, metrics
from pipeline.evaluation.metric_table import METRICS, Metric, Ranking
from pipeline.ingest.layouts import list_layouts
from pipeline.ingest.layouts.reading import ReadOptions
from pipeline.ingest.sources import SourceRequest, open_source
from tests.factories import documented_examples, png
from tests.layout_writers import put

EXAMPLES = documented_examples()


def forget() -> None:
    """What is found by file name is remembered by these."""
    list_methods.cache_clear()
    list_layouts.cache_clear()
    backbones._families.cache_clear()


@pytest.fixture
def added(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The example `kind`, as a file beside those of `package`; gives the module's name."""
    package, kind, name = request.param
    (tmp_path / f"{name}.py").write_text(EXAMPLES[kind], "utf-8")
    package.__path__.append(str(tmp_path))
    forget()
    yield f"{package.__name__}.{name}"
    package.__path__.remove(str(tmp_path))
    sys.modules.pop(f"{package.__name__}.{name}", None)
    forget()


def example(package: ModuleType, kind: str, name: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("added", [(package, kind, name)], indirect=True, ids=[kind])


def test_there_is_an_example_of_each_kind() -> None:
    assert {"method", "backbone", "layout", "metric", "page", "navigation"} == {*EXAMPLES}


@example(models.methods, "method", "median_signs")
@pytest.mark.parametrize("check", CHECKS)
def test_the_method_is_found_and_keeps_the_contract(added: str, check) -> None:
    assert "median_signs" in list_methods()

    check(get_method("median_signs"))


@example(models.backbones, "backbone", "mean_colours")
def test_the_backbone_is_found_and_tells_colours_apart(added: str) -> None:
    backbone = backbones.load_backbone("mean_colours")

    red, blue = (Image.new("RGB", (20, 30), colour) for colour in ("red", "blue"))
    features = backbone.embed([red, blue, red]).numpy()

    assert features.shape == (3, backbone.dim)
    assert np.array_equal(features[0], features[2])
    assert not np.array_equal(features[0], features[1])


@example(pipeline.ingest.layouts, "layout", "class_in_name")
def test_the_layout_is_found_and_read(added: str, tmp_path: Path) -> None:
    for number, name in enumerate(("cat_1", "cat_2", "dog_1")):
        put(tmp_path / "pets", f"{name}.png", png((80 * number, 0, 0)))
    assert importlib.import_module(added).TITLE in list_layouts().values()

    request = SourceRequest(path=tmp_path / "pets", reading=ReadOptions(layout="class_in_name"))
    source = open_source("folder", request)

    assert sorted(item.labels["class"] for item in source.items) == [("cat",), ("cat",), ("dog",)]


def test_the_metric_is_measured_and_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    names = {"Metric": Metric, "metrics": metrics, "np": np}
    metric: Metric = eval(EXAMPLES["metric"], names)
    monkeypatch.setitem(METRICS, metric.name, metric)
    counts = np.array([[[0, 0], [0, 1], [2, 0], [0, 1], [3, 3]]])

    measured = metric_table.measure(Ranking(counts, None, is_hamming=True))

    assert measured["precision_radius_3"].tolist() == [0.5]
    assert metric in metric_table.columns("leaderboard")
    assert f"| {metric.title} | " in metric_table.metrics_document()
