"""Encode a source shard by shard with a finished run, in this process or by Ray's actors.

    <target>/scale.json           which run, source and shards; another one is refused
    <target>/codes-000012.parquet id, code (packed bits) of each image of a shard; written last
    <target>/problems-000012.json images of it that could not be read: id, reason

A shard is done when its codes are there, so the same command goes on after an interruption. Its ids
in a collection follow from the images' own, so a shard that is stored twice changes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID, uuid5

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from models.codes import HashCodes
from pipeline.embedding import embedded
from pipeline.files import write_atomic
from pipeline.images import ImageError, load_rgb
from pipeline.index.built_from import weights_digest
from pipeline.index.store.base import CodeStore, CollectionMissing, require_match
from pipeline.index.store.opening import store_of
from pipeline.index.store.patience import patient
from pipeline.index.word_filter import words_of
from pipeline.progress import Progress, ignore_progress
from pipeline.runs.registry import RunRegistry
from pipeline.runs.run import Run
from pipeline.scaling.sources import ScaleError, Shard, digest_of
from pipeline.settings import Settings

_IDS = UUID("1c3f7d42-6f5e-5a0b-8f5d-2b1d8a4c9e37")
_UPSERTED = 1000  # points of a request


@dataclass(frozen=True)
class Job:
    """What is asked for.

    Attributes:
        run: id of a finished run.
        shards: of the source.
        target: folder of the codes.
        collection: that the codes are stored in too, on the server of the settings; empty: none.
    """

    run: str
    shards: tuple[Shard, ...]
    target: Path
    collection: str = ""

    @property
    def remaining(self) -> list[Shard]:
        """The shards whose codes are not there yet."""
        return [shard for shard in self.shards if not (self.target / shard.name).is_file()]


@dataclass(frozen=True)
class Done:
    """What came of a shard: images encoded, and those that could not be read."""

    n_codes: int
    n_problems: int


class Engine(Protocol):
    """Something that encodes shards, in any order.

    Attributes:
        is_one_process: whether it may use the embedded store, which serves one process.
    """

    is_one_process: bool

    def encode(self, job: Job, shards: list[Shard], settings: Settings) -> Iterator[Done]:
        """Encode the shards; what a shard raises ends it all."""


class Encoder:
    """A run's backbone and method, loaded once, for shard after shard.

    Args:
        job: gives run, target and collection.
        settings: say where the library is, and the device.
    """

    def __init__(self, job: Job, settings: Settings) -> None:
        self._job = job
        run = RunRegistry(settings).open(job.run)
        self._backbone, self._method = run.load_backbone(), run.load_method()
        self._store: CodeStore | None = None
        if job.collection:
            self._store = patient(store_of(settings), settings.qdrant_wait_s)

    def encode(self, shard: Shard) -> Done:
        """Encode a shard and write its codes, after its problems and after storing them.

        Raises:
            OSError: the target cannot be written.
            StoreError: the server refuses.
        """
        ids, codes, problems = self._codes(shard)
        if self._store is not None:
            for start in range(0, len(ids), _UPSERTED):
                part = slice(start, start + _UPSERTED)
                self._store.add(
                    self._job.collection,
                    [str(uuid5(_IDS, name)) for name in ids[part]],
                    codes[part],
                    [{"image_id": name, "words": list(words_of(name))} for name in ids[part]],
                )
        if problems:
            content = json.dumps(problems, indent=1, ensure_ascii=False)
            write_atomic(self._job.target / f"problems-{shard.number:06}.json", content)
        width = codes.packed.shape[1]
        packed = pa.FixedSizeBinaryArray.from_buffers(
            pa.binary(width), len(codes), [None, pa.py_buffer(codes.packed.tobytes())]
        )
        table = pa.table({"id": pa.array(ids, pa.string()), "code": packed})
        table = table.replace_schema_metadata({"bits": str(codes.bits)})
        sink = pa.BufferOutputStream()
        pq.write_table(table, sink)
        write_atomic(self._job.target / shard.name, sink.getvalue().to_pybytes())
        return Done(len(codes), len(problems))

    def close(self) -> None:
        """Release the store."""
        if self._store is not None:
            self._store.close()

    def _codes(self, shard: Shard) -> tuple[list[str], HashCodes, list[dict[str, str]]]:
        images = list(shard.images())
        names, contents = [name for name, _ in images], [content for _, content in images]
        reasons: dict[int, str] = {}

        def load(row: int) -> Image.Image:
            try:
                return load_rgb(contents[row] or b"")
            except ImageError as error:
                reasons[row] = str(error) if contents[row] else "it has no content"
                return Image.new("RGB", (64, 64))  # keeps its place; its code is left out

        features = np.empty((len(names), self._backbone.dim), np.float32)
        for rows, part in embedded(self._backbone, load, list(range(len(names)))):
            features[rows[0] : rows[-1] + 1] = part
        good = np.array([row for row in range(len(names)) if row not in reasons], np.int64)
        problems = [{"id": names[row], "reason": reasons[row]} for row in sorted(reasons)]
        return [names[row] for row in good], self._method.encode_rows(features, good), problems


class OneProcess:
    """Shard after shard in this process."""

    is_one_process = True

    def encode(self, job: Job, shards: list[Shard], settings: Settings) -> Iterator[Done]:
        """See Engine."""
        encoder = Encoder(job, settings)
        try:
            for shard in shards:
                yield encoder.encode(shard)
        finally:
            encoder.close()


def encode_source(
    job: Job, settings: Settings, engine: Engine, on_progress: Progress = ignore_progress
) -> Done:
    """Encode what remains of a source; what was done before counts as done.

    Raises:
        ScaleError: the target holds codes of something else, or the collection is another one.
        RunError: the run is not there or has no model.
        WeightsError: the weights of its backbone are missing.
    """
    if job.collection and not settings.qdrant_url and not engine.is_one_process:
        raise ScaleError(
            "the embedded store serves one process: set QDRANT_URL to a server, or take "
            "--engine one"
        )
    run = RunRegistry(settings).open(job.run)
    _claim(job, run)
    if job.collection:
        _prepare_collection(job, run, settings)
    remaining = job.remaining
    done, total = len(job.shards) - len(remaining), len(job.shards)
    on_progress(done, total)
    n_codes = n_problems = 0
    for one in engine.encode(job, remaining, settings):
        n_codes, n_problems, done = n_codes + one.n_codes, n_problems + one.n_problems, done + 1
        on_progress(done, total)
    return Done(n_codes, n_problems)


def read_codes(target: Path) -> tuple[list[str], HashCodes]:
    """Ids and codes of all shards of a target, in their order.

    Raises:
        ScaleError: there are none.
    """
    tables = [pq.read_table(path) for path in sorted(target.glob("codes-*.parquet"))]
    if not tables:
        raise ScaleError(f"{target} has no codes; encode a source first")
    bits = int(tables[0].schema.metadata[b"bits"])
    width = -(-bits // 8)
    packed = b"".join(code for table in tables for code in table["code"].to_pylist())
    ids = [str(name) for table in tables for name in table["id"].to_pylist()]
    return ids, HashCodes(np.frombuffer(packed, np.uint8).reshape(-1, width), bits)


def _claim(job: Job, run: Run) -> None:
    """Note what the target is for, once.

    Raises:
        ScaleError: it is for something else.
    """
    facts: dict[str, Any] = {
        "run": run.id,
        "weights_sha256": weights_digest(run),
        "shards": digest_of(list(job.shards)),
        "collection": job.collection,
    }
    job.target.mkdir(parents=True, exist_ok=True)
    path = job.target / "scale.json"
    if not path.exists():
        write_atomic(path, json.dumps(facts, indent=2))
        return
    try:
        before = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise ScaleError(f"{path} is damaged ({error}); take another folder") from error
    if differing := [name for name, value in facts.items() if before.get(name) != value]:
        raise ScaleError(
            f"{job.target} holds codes of another {' and '.join(differing)}; take another folder"
        )


def _prepare_collection(job: Job, run: Run, settings: Settings) -> None:
    expected = {"bits": run.spec.bits, "weights_sha256": weights_digest(run)}
    store = store_of(settings)
    try:
        require_match(job.collection, store.metadata(job.collection), expected)
    except CollectionMissing:
        store.create(job.collection, run.spec.bits, {**expected, "run": run.id})
    finally:
        store.close()
