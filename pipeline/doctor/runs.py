"""Checks of runs and of the indexes made from them."""

from __future__ import annotations

import json
from functools import partial

from pipeline.datasets.dataset import load_dataset
from pipeline.doctor.checkup import Checkup, first_line
from pipeline.index.built_from import check_built_from
from pipeline.index.coverage import codes_as_published
from pipeline.index.index_features import open_features
from pipeline.index.publish import IndexRecord, publish, published_parts, read_index
from pipeline.index.store.base import (
    CodeStore,
    CollectionMismatch,
    StoreError,
    StoreUnavailable,
)
from pipeline.index.store.edge_files import EdgeFiles
from pipeline.index.store.patience import patient
from pipeline.index.verification import WrongCodes, verify_index
from pipeline.runs.registry import RunRegistry
from pipeline.runs.results import DELETE, MEASURE, RunError
from pipeline.runs.run import Run
from pipeline.settings import Settings


def check_runs(checkup: Checkup) -> None:
    """Spec, status, history, codes, method, reports and curves of all runs that none executes."""
    registry = RunRegistry(checkup.settings)
    for folder in sorted(checkup.settings.runs_path.glob("[!.]*")):
        if not folder.is_dir():
            continue
        try:
            run = registry.open(folder.name)
        except RunError as error:
            if folder.exists():
                checkup.add(folder, first_line(error), DELETE.format(folder.name))
            continue
        if run.state() == "running":
            checkup.notes.append(f"run {run.id} is being executed and was not checked")
            continue
        _check_run(run, checkup)


def _check_run(run: Run, checkup: Checkup) -> None:
    again, measure = DELETE.format(run.id), MEASURE.format(run.id)
    folder, is_done = run.folder, run.status().state == "done"
    for name in ("spec.json", "run.json"):
        with checkup.looking_at(folder / name, again):
            checkup.check_sum(folder / name)
    if (path := folder / "history.jsonl").exists():
        with checkup.looking_at(path, "remove it: only the chart of the training is lost"):
            for line in path.read_text("utf-8").splitlines():
                json.loads(line)
    parts = {path.stem for path in (folder / "codes").glob("[!.]*.npz")}
    parts |= {"query", "database"} if is_done else set()
    for part in sorted(part for part in parts if not part.startswith("copies")):
        path = folder / "codes" / f"{part}.npz"
        with checkup.looking_at(path, again):
            checkup.check_sum(path)
            run.load_codes(part)
    if is_done and not run.status().codes_of:
        _check_model(run, checkup, again)
    for relevance, ranking in run.measurements:
        with checkup.looking_at(folder, measure):
            run.report(relevance, ranking)
            run.curves(relevance, ranking)
    for path in sorted((*folder.glob("report*.json"), *folder.glob("curves*.npz"))):
        with checkup.looking_at(path, measure):
            checkup.check_sum(path)
    for path in folder.glob("index*.json"):
        with checkup.looking_at(
            path, "the run is published again", partial(_publish, run, checkup.settings)
        ):
            content = checkup.checked_bytes(path)
            if path.name in ("index.json", "index-before.json"):
                IndexRecord.model_validate_json(content, extra="ignore")


def _check_model(run: Run, checkup: Checkup, again: str) -> None:
    model = run.folder / "model"
    before = len(checkup.problems)
    for name in ("config.json", "weights.safetensors"):
        with checkup.looking_at(model / name, again):
            checkup.check_sum(model / name)
    if before == len(checkup.problems):
        with checkup.looking_at(model, again):
            run.load_method()


def check_indexes(checkup: Checkup) -> None:
    """The alias file, and each index against the codes of its run.

    An index is made again from the codes; the aliases from what the runs say of theirs.
    """
    settings = checkup.settings
    if settings.qdrant_url is None:
        _check_embedded(checkup)
    runs = [run for run in RunRegistry(settings).all() if read_index(run) is not None]
    if not runs:
        return
    store = _opened(settings)
    try:
        for run in runs:
            _check_index(run, store, checkup)
    finally:
        store.close()


def _check_embedded(checkup: Checkup) -> None:
    folder = checkup.settings.index_path
    path = folder / "aliases.json"
    if not (folder / "collections").is_dir():
        return
    remake = partial(remake_aliases, checkup.settings)
    with checkup.looking_at(path, "it is made again from what the runs say", remake):
        known = EdgeFiles(folder).aliases()
        if path.exists():
            checkup.check_sum(path)
        records = [read_index(run) for run in RunRegistry(checkup.settings).all()]
        lacking = [record.alias for record in records if record and record.alias not in known]
        if lacking:
            raise ValueError(f"{len(lacking)} published runs have no alias in it: {lacking[0]}")


def _check_index(run: Run, store: CodeStore, checkup: Checkup) -> None:
    record = read_index(run)
    if record is None:
        return
    where = checkup.settings.index_path / "collections" / record.collection
    repair = partial(_publish, run, checkup.settings)
    try:
        check_built_from(run, store.info(record.collection))
        codes, _ = codes_as_published(run, published_parts(run, record))
        verify_index(record.collection, store, codes)
    except StoreUnavailable as error:
        checkup.notes.append(f"the index of run {run.id} was not checked: {first_line(error)}")
    except (StoreError, CollectionMismatch, WrongCodes) as error:
        checkup.add(where, first_line(error), "it is built again from the codes", repair)
    except RunError:
        pass  # told with the run


def remake_aliases(settings: Settings) -> None:
    """Write the alias file of the embedded store as the runs' records have it."""
    files = EdgeFiles(settings.index_path)
    aliases = {}
    for run in RunRegistry(settings).all():
        record = read_index(run)
        if record is not None and files.is_complete(record.collection):
            aliases[record.alias] = record.collection
    with files.lock:
        files.write_aliases(aliases)


def _publish(run: Run, settings: Settings) -> None:
    """Build the index of a run again, as it was published."""
    record = read_index(run)
    dataset = load_dataset(run.spec.dataset, settings)
    images, kept = (record.images, record.features) if record else ("all", "none")
    store = patient(_opened(settings), settings.qdrant_wait_s)
    try:
        features = open_features(run, dataset, kept, settings)
        made = publish(run, dataset, store, images=images, features=features, force=True)
        (run.folder / "index-before.json").unlink(missing_ok=True)
        if record and record.collection != made.collection:
            store.drop(record.collection)  # damaged: nothing to go back to
    finally:
        store.close()


def _opened(settings: Settings) -> CodeStore:
    from pipeline.index.store.opening import store_of

    return store_of(settings)
