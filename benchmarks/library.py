"""A library with one data set of any size, made in seconds: vectors with labels, no pictures."""

from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd

from pipeline.datasets.dataset import DatasetInfo, LabelSet, RetrievalDataset, load_dataset
from pipeline.files import write_atomic
from pipeline.index.publish import publish
from pipeline.index.store.opening import open_store
from pipeline.runs.execute import execute
from pipeline.runs.registry import RunRegistry
from pipeline.runs.run import Run
from pipeline.runs.spec import RunSpec
from pipeline.settings import Settings
from pipeline.stored_features import AboutFeatures, StoredFeatures, features_folder

NAME, CLASSES = "synthetic", 100
BACKBONE = f"vectors:{NAME}"
WIDTH, BITS = 64, 64  # of the features and codes of a searchable library
_BLOCK = 8192


def make(n: int, width: int, settings: Settings) -> None:
    """A data set with stored vectors, n around 100 centres: whole files, as an import leaves them.

    Nothing happens where it is there already.
    """
    folder = settings.datasets_path / NAME
    if (folder / "dataset.json").is_file():
        return
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((CLASSES, width)).astype(np.float32)
    classes = rng.integers(0, CLASSES, n)
    digests = [hashlib.sha256(str(row).encode()).hexdigest() for row in range(n)]
    stored = StoredFeatures(features_folder(BACKBONE, "own", settings), width)
    stored.folder.mkdir(parents=True, exist_ok=True)
    with stored.rows_path.open("wb") as file:
        for start in range(0, n, _BLOCK):
            some = classes[start : start + _BLOCK]
            noise = rng.standard_normal((len(some), width), dtype=np.float32)
            file.write((centres[some] + 2 * noise).tobytes())
    stored.keys_path.write_bytes(bytes.fromhex("".join(digests)))
    stored.describe(AboutFeatures(backbone=BACKBONE, dim=width, fingerprint="own"))
    names = [class_name(number) for number in range(CLASSES)]
    ids = [f"{row}.jpg" for row in range(n)]
    manifest = pd.DataFrame({"image_id": ids, "sha256": digests, "path": "", "group": ids})
    manifest["width"] = manifest["height"] = 0
    manifest["numbers"] = manifest["text"] = manifest["split"] = ""
    manifest["labels:class"] = [[names[number]] for number in classes]
    folder.mkdir(parents=True, exist_ok=True)
    manifest.to_parquet(folder / "manifest.parquet", index=False)
    info = DatasetInfo(
        name=NAME,
        title=NAME,
        summary="",
        licence="",
        attribution="",
        default_protocol="holdout",
        label_sets=(LabelSet(name="class", kind="single", classes=tuple(names)),),
        n=n,
        n_problems=0,
        fingerprint=f"{n}",
        created="",
        value_ranges=(),
    )
    write_atomic(folder / "dataset.json", info.model_dump_json())  # last: now it is whole


def class_name(number: int) -> str:
    """The label of a class, 0 to 99."""
    return f"class {number:02}"


def spec(method: str, bits: int) -> RunSpec:
    """A run on the data set."""
    return RunSpec(dataset=NAME, backbone=BACKBONE, label_set="class", method=method, bits=bits)


def run_of(settings: Settings, wanted: RunSpec) -> Run:
    """The run of a spec, made where it is missing."""
    found = [run for run in RunRegistry(settings).all() if run.spec.digest == wanted.digest]
    return found[0] if found else RunRegistry(settings).create(wanted)


def searchable(n: int, settings: Settings) -> tuple[Run, RetrievalDataset]:
    """The data set with a measured, published run of ITQ; what is there already stays."""
    make(n, WIDTH, settings)
    run, dataset = run_of(settings, spec("itq", BITS)), load_dataset(NAME, settings)
    if run.status().state != "done":
        execute(run, settings)
    store = open_store(None, settings.index_path)
    publish(run, dataset, store)
    store.close()
    return run, dataset
