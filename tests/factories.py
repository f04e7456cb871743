"""Small things that many tests need: images on disk, specs, other processes."""

from __future__ import annotations

import errno
import io
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, TiffImagePlugin

from pipeline.backbones import load_backbone
from pipeline.datasets.dataset import RetrievalDataset
from pipeline.datasets.protocols import PROTOCOLS
from pipeline.evaluation.metric_table import METRICS
from pipeline.evaluation.report import Report
from pipeline.features import FeatureCache
from pipeline.ingest.ingest import import_dataset
from pipeline.ingest.source import Item, Source
from pipeline.ingest.sources import SourceRequest, open_source
from pipeline.runs.run import Run
from pipeline.runs.spec import RunSpec
from pipeline.settings import Settings
from pipeline.sums import SUMS

ROOT = Path(__file__).resolve().parent.parent
CLASSES = ("circle", "cross", "dots", "stripes")


def write_images(root: Path, per_class: int = 10, pixels: int = 24, seed: int = 0) -> Path:
    """A folder of four classes, each a colour and pattern of its own under noise; PNG and JPEG."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:pixels, :pixels]
    patterns = (
        (rows - pixels / 2) ** 2 + (columns - pixels / 2) ** 2 < (pixels / 3) ** 2,
        (abs(rows - pixels / 2) < 3) | (abs(columns - pixels / 2) < 3),
        (rows % 6 < 2) & (columns % 6 < 2),
        rows % 6 < 3,
    )
    for number, (name, pattern) in enumerate(zip(CLASSES, patterns, strict=True)):
        (root / name).mkdir(parents=True)
        for index in range(per_class):
            colour = np.roll([220, 40, 120], number) + rng.integers(-30, 30, 3)
            values = np.where(pattern[..., None], colour, 240) + rng.normal(0, 12, (*rows.shape, 3))
            image = Image.fromarray(values.clip(0, 255).astype(np.uint8))
            image.save(root / name / f"{index:03d}.{'png' if index % 2 else 'jpg'}")
    return root


def write_textures(root: Path, per_class: int = 8, pixels: int = 64, seed: int = 0) -> Path:
    """Four classes that differ in their texture alone: colours, phase and pitch are random."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:pixels, :pixels]
    for name in ("checks", "columns", "rows", "slopes"):
        (root / name).mkdir(parents=True)
        for index in range(per_class):
            phase, pitch = rng.integers(0, 8), rng.integers(6, 10)
            place = {"columns": x, "rows": y, "slopes": x + y, "checks": x}[name] + phase
            is_ink = place % pitch < pitch / 2
            if name == "checks":
                is_ink ^= (y + phase) % pitch < pitch / 2
            ink, paper = rng.integers(0, 256, (2, 3))
            values = np.where(is_ink[..., None], ink, paper) + rng.normal(0, 10, (*x.shape, 3))
            image = Image.fromarray(values.clip(0, 255).astype(np.uint8))
            image.save(root / name / f"{index:03d}.png")
    return root


def png(colour: object = (200, 30, 30), size: tuple[int, int] = (8, 8), mode: str = "RGB") -> bytes:
    """The bytes of a plain PNG."""
    buffer = io.BytesIO()
    Image.new(mode, size, colour).save(buffer, "PNG")  # type: ignore[arg-type]
    return buffer.getvalue()


def tiff(
    values: NDArray[Any],
    *,
    numbers: int = 1,
    photometric: int | None = None,
    planes: int = 1,
    more: dict[int, str | int] | None = None,
) -> bytes:
    """An uncompressed TIFF with these values (h, w) or (h, w, channels), as cameras write them.

    Args:
        values: as they are to lie in the file, in its little-endian order.
        numbers: 1 unsigned, 2 signed, 3 float.
        photometric: 0 when the least value is white, 1 when it is black, 2 for colours.
        planes: 2 when the channels lie one after another.
        more: further tags.
    """
    height, width, channels = (*values.shape, 1)[:3]
    if photometric is None:
        photometric = 2 if channels > 2 else 1
    bits = (8 * values.dtype.itemsize,) * channels
    directory = TiffImagePlugin.ImageFileDirectory_v2()
    for tag, value in {
        256: width,
        257: height,
        258: bits,
        259: 1,
        262: photometric,
        277: channels,
        278: height,
        279: values.nbytes,
        284: planes,
        339: (numbers,) * channels,
        **(more or {}),
    }.items():
        directory[tag] = value
    directory[273] = 0  # counted by Pillow from the end of the directory
    return b"II*\0\x08\0\0\0" + directory.tobytes(8) + values.tobytes()


def write_wide(root: Path, tops: dict[str, int], kind: type = np.uint16) -> Path:
    """A folder of grey TIFFs, each a ramp from 0 to the value that `tops` gives its name."""
    for name, top in tops.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        ramp = np.linspace(0, top, 64 * 64).reshape(64, 64).astype(kind)
        path.write_bytes(tiff(ramp, numbers=3 if kind is np.float32 else 1))
    return root


def imported(folder: Path, settings: Settings, name: str = "shapes") -> RetrievalDataset:
    """The folder, imported under `name`."""
    return import_dataset(open_source("folder", SourceRequest(name=name, path=folder)), settings)


def spec(**changes: object) -> RunSpec:
    """A spec for the imported shapes that takes a moment: ITQ, 16 bits, the tiny backbone."""
    usual = {"dataset": "shapes", "method": "itq", "bits": 16, "backbone": "tiny"}
    return RunSpec.model_validate({**usual, "label_set": "class", **changes})


def forget_sums(folder: Path) -> None:
    """Make the files of a folder those of a version that noted no sums; they may be rewritten."""
    (folder / SUMS).unlink(missing_ok=True)


def python(script: str, *arguments: object) -> subprocess.Popen[str]:
    """Another Python that runs `script`, with this project importable and its output piped."""
    return subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for_line(child: subprocess.Popen[str], wanted: str) -> None:
    """Return when the child has printed the line `wanted`."""
    assert child.stdout is not None
    for line in child.stdout:
        if line.strip() == wanted:
            return
    raise AssertionError(f"the child ended before saying {wanted!r}: {child.communicate()[1]}")


def kill(child: subprocess.Popen[str]) -> None:
    """Kill without a chance to clean up, and wait for the end."""
    child.kill()
    child.communicate(timeout=30)


def files_read(run: Run, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files of a run that are read from now on; it ended long ago."""
    for path in run.folder.iterdir():
        os.utime(path, (1, 1))
    names: list[str] = []
    read = Path.read_bytes

    def noted(path: Path) -> bytes:
        if path.parent == run.folder and path.name != SUMS:
            names.append(path.name)
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", noted)
    return names


def report(**changes: object) -> Report:
    """A report of 16-bit codes; `changes` replace its fields and the values of its metrics."""
    usual: dict[str, object] = {
        "protocol": PROTOCOLS["holdout"],
        "n_query": 10,
        "n_database": 100,
        "bits": 16,
        "bytes_per_item": 2,
        "ci_low": 0.45,
        "ci_high": 0.55,
        "map_legacy": 0.5,
        "map_legacy_spread": None,
        "queries_without_relevant": 0,
        "timings": {"training_s": 1.0, "encoding_s": 0.01},
    }
    values: dict[str, object] = dict.fromkeys(METRICS, 0.5)
    values |= {"map_worst": 0.49, "map_best": 0.51, "precision_at_10": 0.7}
    values |= {name: changes.pop(name) for name in METRICS if name in changes}
    return Report.model_validate({**usual, "values": values, **changes})


def documented_examples() -> dict[str, str]:
    """The examples of docs/contributing.md by the word after `python`."""
    text = (ROOT / "docs" / "contributing.md").read_text("utf-8")
    return dict(re.findall(r"^```python (\w+)\n(.*?)^```", text, re.MULTILINE | re.DOTALL))


def copied_library(home: Path, to: Path) -> Path:
    """A copy of a library; an index is mostly holes, which stay holes: 1 MB instead of 180."""
    return Path(shutil.copytree(home, to, copy_function=_copy_sparse))


def _copy_sparse(source: str, target: str) -> str:
    with Path(source).open("rb", 0) as read, Path(target).open("wb", 0) as write:
        at = 0
        while (start := _data_from(read, at)) is not None:
            at = read.seek(start, os.SEEK_HOLE)
            read.seek(start)
            write.seek(start)
            write.write(read.read(at - start))
        write.truncate(os.fstat(read.fileno()).st_size)
    shutil.copystat(source, target)
    return target


def _data_from(file: io.FileIO, at: int) -> int | None:
    try:
        return file.seek(at, os.SEEK_DATA)
    except OSError as error:
        if error.errno == errno.ENXIO:  # nothing but a hole follows
            return None
        raise


def unlabelled(settings: Settings) -> None:
    """30 images without any label set, imported as `bare`."""
    items = [
        Item(f"{i}", lambda i=i: png((8 * i, 40, 255 - 8 * i)), {}, ".png")  # type: ignore[misc]
        for i in range(30)
    ]
    facts = {"title": "Bare", "summary": "", "licence": "", "attribution": "", "kinds": {}}
    import_dataset(Source(name="bare", items=items, identity="1", **facts), settings)  # type: ignore[arg-type]


def half_labelled(folder: Path, settings: Settings) -> RetrievalDataset:
    """40 images of four classes, imported as `halves`; every second one has its label."""
    items = [
        Item(f"{number:02d}", path.read_bytes, {"class": (path.parent.name,) * (number % 2)})
        for number, path in enumerate(sorted(write_images(folder).rglob("*.*")))
    ]
    facts = {"title": "Halves", "summary": "", "licence": "", "attribution": ""}
    source = Source(
        name="halves", items=items, identity="halves", kinds={"class": "single"}, **facts
    )
    return import_dataset(source, settings)


def python_m(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`python -m pipeline` as people type it."""
    return subprocess.run(
        [sys.executable, "-m", "pipeline", *arguments],
        cwd=ROOT,
        env={
            **os.environ,
            "HASHLENS_HOME": str(home),
            "HASHLENS_THREADS": "1",
            "QDRANT_URL": "",
            "COLUMNS": "200",
        },
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def wait_until(condition: Callable[[], object], timeout_s: float = 60) -> None:
    """Return as soon as a condition holds.

    Raises:
        AssertionError: it does not within the time.
    """
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "what was waited for did not come"
        time.sleep(0.02)


def cache_of(run: Run, settings: Settings) -> FeatureCache:
    """Features by the backbone of a run."""
    return FeatureCache(load_backbone(run.spec.backbone, settings), settings)
