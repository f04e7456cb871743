"""What it costs and changes to rescore inside the index, beside features read from the disk.

    python -m benchmarks.studies.rescoring --home FOLDER [--dataset NAME] [--bits 32]

Each finished run of the data set is published into an index of its own in a folder that is deleted
afterwards: without features, with float16 and with int8. A row per run and kind: bytes that the
index takes on the disk beyond the codes, milliseconds of a search for the first ten (median over
queries), the share of the first ten that both paths have in common, and P@10.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from pipeline.datasets.dataset import RetrievalDataset, load_dataset
from pipeline.index.cosine import cosine_of
from pipeline.index.index_features import KeptFeatures, open_features
from pipeline.index.ordering import Ordering, find_shortlist, rows_of, sort_hits
from pipeline.index.publish import publish
from pipeline.index.store.opening import open_store
from pipeline.runs.registry import RunRegistry
from pipeline.runs.run import Run
from pipeline.settings import Settings

_KINDS: tuple[KeptFeatures, ...] = ("none", "float16", "int8")
_QUERIES, _FIRST = 200, 10


def main() -> None:
    """Print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--dataset", default="openmoji")
    parser.add_argument("--bits", type=int, default=32)
    options = parser.parse_args()
    torch.set_num_threads(1)
    settings = Settings(home=options.home)
    dataset = load_dataset(options.dataset, settings)
    print("| run | features | MB on the disk | ms | first ten equal % | P@10 % |")
    print("| --- | --- | --- | --- | --- | --- |")
    for run in RunRegistry(settings).all():
        if run.spec.dataset == options.dataset and run.spec.bits == options.bits:
            for row in _rows(run, dataset, settings):
                print(f"| {' | '.join(row)} |", flush=True)


def _rows(run: Run, dataset: RetrievalDataset, settings: Settings) -> Iterator[tuple[str, ...]]:
    kept_record = [path.read_bytes() if path.exists() else None for path in _records(run)]
    cosine = cosine_of(run, dataset, settings, run.load_backbone)
    codes, rows = run.load_codes("query")
    label_set = dataset.label_set(run.spec.label_set)
    labels = dataset.labels(label_set)
    plain, of_plain = 0, []
    try:
        for kind in _KINDS:
            for path in _records(run):
                path.unlink(missing_ok=True)
            with tempfile.TemporaryDirectory() as folder:
                store = open_store(None, Path(folder))
                beside = open_features(run, dataset, kind, settings)
                alias = publish(run, dataset, store, images="database", features=beside).alias
                size = _on_disk(Path(folder))
                times, found = [], []
                for place in range(min(_QUERIES, len(rows))):
                    query = cosine.of_row(int(rows[place]))
                    features = None if kind == "none" else query
                    ordering = Ordering(cosine.values(query), False, features)
                    began = time.perf_counter()
                    hits = find_shortlist(
                        store, alias, codes[[place]], ordering, limit=_FIRST
                    ).result.hits
                    places = sort_hits(hits, ordering).places[:_FIRST]
                    times.append(time.perf_counter() - began)
                    found.append(rows_of([hits[at] for at in places]))
                store.close()
            if kind == "none":
                plain, of_plain = size, found
            same = [
                len(np.intersect1d(a, b)) / _FIRST for a, b in zip(found, of_plain, strict=True)
            ]
            good = [
                (labels[own] & labels[row]).any(axis=1).mean()
                for own, row in zip(found, rows, strict=False)
            ]
            yield (
                f"{run.spec.method} {run.spec.bits}",
                kind,
                f"{(size - plain) / 1e6:.1f}",
                f"{1000 * np.median(times):.2f}",
                f"{100 * np.mean(same):.2f}",
                f"{100 * np.mean(good):.1f}",
            )
    finally:
        for path, content in zip(_records(run), kept_record, strict=True):
            path.unlink(missing_ok=True)
            if content is not None:
                path.write_bytes(content)


def _records(run: Run) -> list[Path]:
    return [run.folder / "index.json", run.folder / "index-before.json"]


def _on_disk(folder: Path) -> int:
    """Bytes in use, less the engine's log of changes, which it cuts; it reserves more."""
    files = (path for path in folder.rglob("*") if path.is_file() and "wal" not in path.parts)
    return sum(512 * path.stat().st_blocks for path in files)


if __name__ == "__main__":
    main()
