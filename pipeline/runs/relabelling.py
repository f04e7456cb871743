"""A run measured by other labels of its data set, without training: its codes in a run of its own.

Such a run has the spec that training by these labels would have, and the same codes. That holds
for methods that learn without labels, where the queries were not drawn by other labels: labels that
came after the import draw none (`LabelSet.split_by`), and a given split is given.
"""

from __future__ import annotations

import shutil

import numpy as np

from models.codes import HashCodes
from models.registry import get_method
from pipeline.datasets.dataset import LabelSet, RetrievalDataset
from pipeline.datasets.split import make_split, unlabelled_rows
from pipeline.runs.ground_truth import relevance_labels
from pipeline.runs.measurement import why_not_by_labels
from pipeline.runs.preparation import as_executed
from pipeline.runs.registry import RunRegistry
from pipeline.runs.results import RunError
from pipeline.runs.run import Run
from pipeline.runs.validation import with_unlabelled
from pipeline.settings import Settings
from pipeline.wording import COMMAND

_PARTS = ("query", "database", "others")


def relabelled(run: Run, dataset: RetrievalDataset, label_set: str, settings: Settings) -> Run:
    """The run that measures a run's codes by a label set; made when it is not there.

    It is not measured yet. The run itself where it is measured by these labels already.

    Args:
        run: finished.
        dataset: data set of the run.
        label_set: name of the labels.
        settings: say where runs are.

    Raises:
        RunError: the codes depend on the run's own labels, or are not there.
        DatasetError: there is no such label set, or it leaves a part of the split empty.
    """
    run.check_dataset(*dataset.info.fingerprints)
    labels, own = dataset.label_set(label_set), relevance_labels(dataset, run.spec)
    if own is not None and own.name == labels.name:
        return run
    _check(run, own, labels)
    before, spec = as_executed(run, dataset), run.spec.model_copy(update={"label_set": labels.name})
    split = make_split(before, spec.evaluation_protocol(), labels, spec.split_seed)
    if reason := why_not_by_labels(dataset, labels, split.query, split.database):
        raise RunError(f"run {run.id} cannot be measured by {labels.name!r}: {reason}")
    status, registry = run.status(), RunRegistry(settings)
    if known := registry.find(spec, status.dataset_fingerprint):
        return known
    codes, rows = _all_codes(run)
    measured = np.union1d(split.query, split.database)
    parts = dict(
        zip(_PARTS, (split.query, split.database, np.setdiff1d(rows, measured)), strict=True)
    )
    if len(lacking := np.setdiff1d(measured, rows)):
        raise RunError(
            f"run {run.id} is of an earlier version and has no codes of {len(lacking)} images "
            "to be measured; publish it, which encodes them"
        )
    n_unlabelled = _n_unlabelled(run, before, own, labels)
    made = registry.create(spec, status.sweep)
    with made.started():
        made.update(
            dataset_fingerprint=status.dataset_fingerprint,
            timings={k: v for k, v in status.timings.items() if k in ("training", "encoding")},
            chosen=status.chosen,
            n_unlabelled=n_unlabelled,
            codes_of=run.id,
        )
        shutil.copytree(run.folder / "model", made.folder / "model")
        if (run.folder / "history.jsonl").exists():
            shutil.copy(run.folder / "history.jsonl", made.folder)
        for name, members in parts.items():
            made.save_codes(name, codes[np.searchsorted(rows, members)], members)
    return made


def _check(run: Run, own: LabelSet | None, labels: LabelSet) -> None:
    """Refuse a run whose codes or queries depend on other labels.

    Raises:
        RunError: they do.
    """
    spec = run.spec
    todo = f"train it: {COMMAND} run --labels {labels.name!r} ..."
    if run.state() != "done":
        raise RunError(f"run {run.id} is {run.state()}, not done")
    if not spec.has_method or get_method(spec.method).card.supervision == "supervised":
        raise RunError(f"run {run.id} learned from its own labels; to measure others, {todo}")
    if spec.validation:
        raise RunError(f"run {run.id} held images out by its own labels; {todo}")
    protocol = spec.evaluation_protocol()
    is_given = protocol.queries == "given" and protocol.train_per_class is None
    drawn = "" if own is None else own.drawn_by
    if not is_given and drawn != labels.drawn_by:
        raise RunError(
            f"the queries of run {run.id} were drawn by {drawn or 'no labels'}, those of "
            f"{labels.name!r} are drawn by {labels.drawn_by or 'no labels'}; {todo}"
        )


def _n_unlabelled(
    run: Run, dataset: RetrievalDataset, own: LabelSet | None, labels: LabelSet
) -> int:
    """How many images without a label in `labels` a run trained on, as one by these would.

    Raises:
        RunError: it trained on fewer images than such a run does now.
    """
    spec, protocol = run.spec, run.spec.evaluation_protocol()
    split = make_split(dataset, protocol, own, spec.split_seed)
    train = with_unlabelled(dataset, split, spec, own, split.train[:0]).train
    if len(train) - len(split.train) != run.status().n_unlabelled:
        raise RunError(
            f"run {run.id} is of an earlier version, which did not train on images without a "
            "label; run it again"
        )
    return len(np.intersect1d(train, unlabelled_rows(dataset, labels)))


def _all_codes(run: Run) -> tuple[HashCodes, np.ndarray[tuple[int], np.dtype[np.int64]]]:
    """All codes of a run by rising row, without images that came later."""
    has_others = (run.folder / "codes" / "others.npz").exists()
    stored = [run.load_codes(part) for part in _PARTS[: 2 + has_others]]
    rows = np.concatenate([rows for _, rows in stored])
    packed = np.concatenate([codes.packed for codes, _ in stored])
    order = np.argsort(rows)
    return HashCodes(packed[order], stored[0][0].bits), rows[order]
