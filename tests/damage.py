"""A library with a file of every kind, and ways to damage one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from PIL import Image

from dashboard.services import report_store
from dashboard.services.permalink import store_query
from dashboard.services.queries import Upload
from dashboard.services.report_basket import new_item, with_item
from pipeline.analysis.judging_rounds import start_round
from pipeline.annotations.bit_names import BitNames
from pipeline.annotations.tags import Tags
from pipeline.annotations.verdicts import Verdicts
from pipeline.datasets.dataset import load_dataset
from pipeline.files import write_atomic
from pipeline.index.publish import publish
from pipeline.index.store.opening import open_store
from pipeline.runs.execute import execute
from pipeline.runs.registry import RunRegistry
from pipeline.settings import Settings
from pipeline.vectors.importing import plan_vectors, store_vectors
from pipeline.vectors.request import VectorsRequest
from tests.factories import copied_library, imported, png, spec, write_images

_JSON = ".json"
OUTER = (  # without these a data set or a run is not shown
    "datasets/shapes/dataset.json",
    "datasets/shapes/manifest.parquet",
    "runs/*/spec.json",
    "runs/*/run.json",
    "runs/*/codes/database.npz",
    "runs/*/codes/query.npz",
)
INNER = (
    "datasets/shapes/problems.csv",
    "datasets/shapes/images/*/*.png",
    "features/vectors-*/about.json",
    "features/vectors-*/keys.bin",
    "features/vectors-*/rows.f32",
    "features/tiny-*/about.json",
    "features/tiny-*/keys.bin",
    "features/tiny-*/rows.f32",
    "features/tiny-*/rows.crc32",
    "runs/*/model/config.json",
    "runs/*/model/weights.safetensors",
    "runs/*/report.json",
    "runs/*/curves.npz",
    "runs/*/report-copies.json",
    "runs/*/curves-copies.npz",
    "runs/*/codes/copies-1.npz",
    "runs/*/index.json",
    "runs/*/bit_names.json",
    "runs/*/history.jsonl",
    "index/aliases.json",
    "index/collections/*/meta.json",
    "index/collections/*/shard/segments/*/segment.json",
    "index/collections/*/shard/segments/*/vector_storage/vectors/chunk_0.mmap",
    "baselines/cosine-*.json",
    "baselines/phash-*.json",
    "baselines/colour-*.json",
    "baselines/copies-*.npz",
    "baselines/neighbours-*.npy",
    "tags/shapes.json",
    "reports/shapes.json",
    "judging/shapes/*.json",
    "verdicts/shapes/*.jsonl",
    "queries/*[0-9a-f]",
    "queries/*.name",
    "thumbs/shapes/160/*/*.webp",
    "imports/*/status.json",
)


def whole_library(library: Settings, folder: Path) -> Settings:
    """A library with a file of every kind, and a second data set, `others`, with a run of its own.

    Args:
        library: with the data set `shapes` and a finished run on it; it is copied.
        folder: where everything is made.
    """
    settings = Settings(home=copied_library(library.home, folder / "home"), threads=1)
    dataset = load_dataset("shapes", settings)
    imported(write_images(folder / "others", 6, seed=3), settings, "others")
    for changes in (
        {"method": "lsh", "bits": 8},
        {"method": "dpsh", "config": {"epochs": 2}},
        {"dataset": "others"},
    ):
        execute(RunRegistry(settings).create(spec(**changes)), settings)
    runs = [run for run in RunRegistry(settings).all() if run.spec.dataset == "shapes"]
    published = next(run for run in runs if run.spec.method == "itq")
    store = open_store(None, settings.index_path)
    publish(published, dataset, store)
    store.close()
    _import_own_vectors(settings, folder)
    digests = dataset.manifest["sha256"].tolist()
    start_round(dataset, [run.id for run in runs[:2]], settings, n_queries=3, seed=0)
    Tags.of("shapes", settings).put(digests[:2], "review")
    Verdicts.of("shapes", "class", settings).set_verdict(digests[0], digests[1], "relevant")
    BitNames(published.folder / "bit_names.json", published.spec.bits).set(1, "round")
    report_store.change(settings, "shapes", with_item(new_item("Shapes", finding="They differ.")))
    store_query(Upload("query.png", png()), settings)
    thumb = settings.home / "thumbs" / "shapes" / "160" / digests[0][:2] / f"{digests[0]}.webp"
    thumb.parent.mkdir(parents=True)
    Image.new("RGB", (8, 8)).save(thumb, "WEBP")
    job = settings.home / "imports" / "0123456789abcdef" / "status.json"
    job.parent.mkdir(parents=True)
    write_atomic(job, '{"title": "Shapes", "items": []}', is_noted=False)
    return settings


def _import_own_vectors(settings: Settings, folder: Path) -> None:
    np.save(folder / "mine.npy", np.random.default_rng(0).random((40, 24), np.float32))
    request = VectorsRequest(dataset="shapes", source=str(folder / "mine.npy"))
    store_vectors(plan_vectors(request, settings), settings)
    execute(RunRegistry(settings).create(spec(backbone="vectors:mine")), settings)


def _newer(content: bytes) -> bytes:
    """As a later version might write it: another format, and a field that nobody knows yet."""
    stored = json.loads(content)
    if isinstance(stored, dict):
        stored |= {"format": 99, "of_a_later_version": {"x": 1}}
    return json.dumps(stored).encode()


CHANGES: dict[str, Callable[[bytes], bytes]] = {
    "truncated": lambda content: content[: len(content) // 2],
    "flipped": lambda content: bytes([*content[:-9], content[-9] ^ 0x41, *content[-8:]]),
}
WAYS = (*CHANGES, "newer", "missing")


def damage(home: Path, patterns: Iterable[str], how: str) -> list[Path]:
    """Damage the first file of each pattern; returns those that can be damaged in this way."""
    paths = [sorted(home.glob(pattern))[0] for pattern in patterns]
    if how == "newer":
        paths = [path for path in paths if path.suffix == _JSON]
    for path in paths:
        if how == "missing":
            path.unlink()
        elif how == "newer":
            write_atomic(path, _newer(path.read_bytes()))
        else:
            path.write_bytes(CHANGES[how](path.read_bytes()))
    return paths
