"""A run on many images, stage by stage: CPU seconds and peak memory of a process for each stage.

python -m benchmarks.studies.stages [--images 50000 200000] [--width 1280] [--bits 64] [--threads 1]
    [--methods itq ud2h dfadh] [--home FOLDER]

Features are synthetic: 100 clusters with noise, one label per image, no pictures. The first stage
only opens the data set with its features, which every other stage does too. A search is the mean
of 20 queries after a first one, whose time is a row of its own. "copy" is the bare limit of what
passes all features: reading them once, block by block.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.library import NAME, make, run_of, spec
from models.deep import DeepHashMethod
from models.registry import get_method
from pipeline.datasets.dataset import load_dataset
from pipeline.index.publish import publish
from pipeline.index.search import exact_store, stored_query
from pipeline.index.store.opening import open_store
from pipeline.progress import ignore_progress
from pipeline.runs.execute import encode
from pipeline.runs.measurement import evaluate_run
from pipeline.runs.preparation import prepare
from pipeline.runs.run import Run
from pipeline.runs.spec import RunSpec
from pipeline.settings import Settings

BLOCK, QUERIES = 8192, 20


def main() -> None:
    """Make the data and measure each stage in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, nargs="+", default=[50_000, 200_000])
    parser.add_argument("--width", type=int, default=1280)
    parser.add_argument("--bits", type=int, default=64)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--methods", nargs="+", default=["itq", "ud2h", "dfadh"])
    parser.add_argument("--home", type=Path)
    parser.add_argument("--stage", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.stage:
        _stage(asked.stage, Settings(home=asked.home, threads=asked.threads), asked.bits)
        return
    print(f"{asked.width} dimensions, {asked.bits} bits, {asked.threads} thread(s)")
    print(f"{'images':>9}  {'stage':24}{'CPU s':>8}{'wall s':>8}{'peak MiB':>10}  what")
    with tempfile.TemporaryDirectory(dir=asked.home) as folder:
        for n in asked.images:
            home = Path(folder) / str(n)
            make(n, asked.width, Settings(home=home))
            stages = ["open", "copy"]
            for name in asked.methods:
                stages += [f"fit {name}", f"encode {name}"]
            first = asked.methods[0]
            stages += [f"{what} {first}" for what in ("evaluate", "publish", "engine", "files")]
            for stage in stages:
                _measure(n, stage, home, asked.bits, asked.threads)


def _measure(n: int, stage: str, home: Path, bits: int, threads: int) -> None:
    command = [sys.executable, "-m", "benchmarks.studies.stages", "--stage", stage]
    command += ["--home", str(home), "--bits", str(bits), "--threads", str(threads)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    said = ended.stdout.strip() if not ended.returncode else ended.stderr.strip()[-300:]
    print(f"{n:9,}  {stage:24}{said}", flush=True)


def _stage(stage: str, settings: Settings, bits: int) -> None:
    """One stage in this process, and what it took."""
    import torch

    torch.set_num_threads(settings.threads)
    what, _, method = stage.partition(" ")
    before, began = time.process_time(), time.perf_counter()
    said = _STAGES[what](settings, spec(method or "lsh", bits))
    cpu, wall = time.process_time() - before, time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{cpu:8.1f}{wall:8.1f}{peak:10,.0f}  {said}")


def _open(settings: Settings, wanted: RunSpec) -> str:
    prepared = prepare(wanted, load_dataset(NAME, settings), settings, ignore_progress)
    split = prepared.split
    return f"{len(split.query):,} queries, {len(split.train):,} train"


def _copy(settings: Settings, wanted: RunSpec) -> str:
    features = prepare(wanted, load_dataset(NAME, settings), settings, ignore_progress).features
    total = 0.0
    for start in range(0, len(features), BLOCK):
        total += float(np.array(features[start : start + BLOCK]).sum())
    return f"{features.nbytes / 2**20:,.0f} MiB of features"


def _fit(settings: Settings, wanted: RunSpec) -> str:
    run = run_of(settings, wanted)
    prepared = prepare(wanted, load_dataset(NAME, settings), settings, ignore_progress)
    is_deep = issubclass(get_method(wanted.method), DeepHashMethod)
    few = {"epochs": 5} if is_deep else {}
    config = wanted.method_config().model_copy(update=few)
    method = get_method(wanted.method)(wanted.bits, config, seed=0).fit(prepared.train)
    run.save_method(method)
    return f"{len(prepared.train):,} images{', 5 epochs' if few else ''}"


def _encode(settings: Settings, wanted: RunSpec) -> str:
    run = run_of(settings, wanted)
    prepared = prepare(wanted, load_dataset(NAME, settings), settings, ignore_progress)
    split, method = prepared.split, run.load_method()
    parts = encode(method, prepared.features, split.query, split.database)
    for name, codes, rows in zip(
        ("query", "database"), parts, (split.query, split.database), strict=True
    ):
        run.save_codes(name, codes, rows)
    run.update(state="done", dataset_fingerprint=prepared.dataset.info.fingerprint)
    return f"{sum(map(len, parts)):,} codes"


def _evaluate(settings: Settings, wanted: RunSpec) -> str:
    dataset, run = load_dataset(NAME, settings), run_of(settings, wanted)
    cache = prepare(wanted, dataset, settings, ignore_progress).cache
    evaluation = evaluate_run(run, dataset, settings, cache, ignore_progress)
    return f"mAP {100 * (evaluation.report.values['map'] or 0):.1f}"


def _publish(settings: Settings, wanted: RunSpec) -> str:
    store = open_store(None, settings.index_path)
    record = publish(run_of(settings, wanted), load_dataset(NAME, settings), store)
    store.close()
    return f"{record.count:,} codes"


def _engine(settings: Settings, wanted: RunSpec) -> str:
    run, store = run_of(settings, wanted), open_store(None, settings.index_path)
    from pipeline.index.search import index_alias

    said = _searches(run, lambda code: store.search(index_alias(run), code, 100))
    store.close()
    return said


def _files(settings: Settings, wanted: RunSpec) -> str:
    run = run_of(settings, wanted)
    store, alias = exact_store(run, load_dataset(NAME, settings), "all")
    return _searches(run, lambda code: store.search(alias, code, 100))


def _searches(run: Run, search: Callable[..., object]) -> str:
    rows = run.load_codes("query")[1][: QUERIES + 1]
    codes = [query.code for row in rows if (query := stored_query(run, int(row)))]
    began = time.perf_counter()
    search(codes[0])
    first = time.perf_counter() - began
    before = time.process_time()
    for code in codes[1:]:
        search(code)
    each = (time.process_time() - before) / QUERIES
    return f"first {1000 * first:,.0f} ms, then {1000 * each:.1f} CPU ms each (top 100)"


_STAGES: dict[str, Callable[[Settings, RunSpec], str]] = {
    "open": _open,
    "copy": _copy,
    "fit": _fit,
    "encode": _encode,
    "evaluate": _evaluate,
    "publish": _publish,
    "engine": _engine,
    "files": _files,
}

if __name__ == "__main__":
    main()
