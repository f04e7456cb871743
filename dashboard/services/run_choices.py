"""What the sidebar offers: data sets, and the finished runs of one, best first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Literal

from pipeline.analysis.comparisons import labels_by_default, told_apart
from pipeline.analysis.model_maps import ModelMap, model_maps
from pipeline.datasets.dataset import DatasetInfo, list_datasets
from pipeline.evaluation.relevance import LABELS
from pipeline.index.coverage import searched_codes
from pipeline.index.index_jobs import IndexResult, last_result, progress, requested
from pipeline.index.publish import IndexRecord, read_index
from pipeline.index.search import open_index
from pipeline.index.store.base import (
    CodeStore,
    CollectionMismatch,
    StoreError,
    StoreUnavailable,
)
from pipeline.runs.registry import RunRegistry
from pipeline.runs.results import RunError
from pipeline.runs.run import Run
from pipeline.settings import Settings

IndexKind = Literal["ready", "missing", "unavailable", "mismatch"]


@dataclass(frozen=True)
class RunChoice:
    """A finished run as it is offered for choice.

    Attributes:
        id: of the run.
        slug: short name for links; equal specs have equal slugs.
        label: name for people, unique among the choices.
        seed: of the method.
        map: its own mAP in [0, 1]; None where nothing could be measured.
        precision_10: P@10 in [0, 1]; 0 where it was not measured.
        facts: the mAP of its leaderboard row with interval, protocol and labels.
    """

    id: str
    slug: str
    label: str
    seed: int
    map: float | None
    precision_10: float
    facts: str


@dataclass(frozen=True)
class IndexState:
    """Whether a run's published index answers.

    Attributes:
        kind: what is the matter.
        count: codes in it.
        reason: why it cannot be used; empty when it can.
        summary: the same in a few words, where its store cannot serve it.
    """

    kind: IndexKind
    count: int = 0
    reason: str = ""
    summary: str = ""


@dataclass(frozen=True)
class IndexView:
    """What is known about a run's index without asking the store.

    Attributes:
        record: where it is; None when unpublished.
        waiting: what a worker is to do with it; empty for nothing.
        progress: how far that is, in words; empty where it is not known.
        result: what came of the last request.
    """

    record: IndexRecord | None
    waiting: str
    progress: str
    result: IndexResult | None


def index_view(run: Run) -> IndexView:
    """Read the state of a run's index from the run's folder."""
    request = requested(run)
    waiting = request.action if request else ""
    return IndexView(read_index(run), waiting, progress(run), last_result(run))


def dataset_choices(settings: Settings) -> list[DatasetInfo]:
    """The data sets of the library; those that have finished runs first, most runs first."""
    runs = Counter(run.spec.dataset for run in _finished(settings))
    return sorted(list_datasets(settings), key=lambda info: (-runs[info.name], info.title))


def run_choices(settings: Settings, dataset: str) -> list[RunChoice]:
    """The finished runs of a data set, of equal specs the newest.

    Published ones come first. Then those of the usual protocol and labels, since mAP cannot be
    compared with that of others: those with most images, then with most runs. Among these the best
    P@10, which is what a person sees first; where nothing was measured, the newest.
    """
    newest: dict[str, Run] = {}
    for run in _finished(settings):
        if run.spec.dataset == dataset:
            newest.setdefault(run.spec.digest, run)
    runs = list(newest.values())
    alike = Counter(_measured_on(run) for run in runs)
    default_labels = labels_by_default(settings)
    apart = told_apart([run.spec for run in runs], default_labels)
    images = {_measured_on(run): _n_images(run) for run in runs}
    usual = max(alike, key=lambda key: (images[key], alike[key]), default=None)
    rows, first = model_maps(runs), default_labels.get(dataset, "")
    ranked = [
        ((read_index(run) is not None, is_usual, choice.precision_10), choice)
        for run, words in zip(runs, apart, strict=True)
        for is_usual in [_measured_on(run) == usual]
        for choice in [_choice(run, rows, run.spec.label_set or first, words)]
    ]
    ranked.sort(key=lambda pair: pair[0], reverse=True)
    return _distinct([choice for _, choice in ranked])


@dataclass(frozen=True)
class Rival:
    """The run to compare a run with.

    Attributes:
        own: slug of the run itself; empty where it is not offered for choice.
        best: slug of the best run that was measured alike; empty for none.
        reason: why there is none, a sentence.
    """

    own: str
    best: str
    reason: str


def rival_of(run: Run, choices: Iterable[RunChoice], settings: Settings) -> Rival:
    """The best run by mAP under the same protocol, labels and split as `run`.

    Args:
        run: to compare.
        choices: of its data set.
        settings: where the runs are.
    """
    registry, specs = RunRegistry(settings), {}
    choices = list(choices)
    for choice in choices:
        with suppress(RunError):  # deleted a moment ago
            specs[choice.slug] = registry.open(choice.id)
    own = next((slug for slug, one in specs.items() if one.spec.digest == run.spec.digest), "")
    alike = [
        (choice.map, choice.slug)
        for choice in choices
        if choice.map is not None
        and choice.slug in specs
        and _measured_on(specs[choice.slug]) == _measured_on(run)
    ]
    if not own:
        return Rival("", "", "This run has no codes to search.")
    if own not in [slug for _, slug in alike]:
        return Rival(own, "", "This run has no mAP to compare.")
    if len(alike) == 1:
        words = "No other run was measured under the same protocol, labels and split."
        return Rival(own, "", words)
    best = max(alike)[1]
    if best == own:
        return Rival(own, "", "This is the best of the runs that were measured alike.")
    return Rival(own, best, "")


def published(
    choices: Iterable[RunChoice], settings: Settings
) -> list[tuple[RunChoice, IndexRecord]]:
    """The choices that have an index, each with the record of where it is."""
    registry, records = RunRegistry(settings), []
    for choice in choices:
        with suppress(RunError):  # deleted a moment ago
            if record := read_index(registry.open(choice.id)):
                records.append((choice, record))
    return records


def coded_rows(choices: Iterable[RunChoice], settings: Settings) -> list[set[int]]:
    """For each choice the manifest rows that the run has codes of."""
    registry, row_sets = RunRegistry(settings), []
    for choice in choices:
        with suppress(RunError):  # deleted a moment ago, or damaged
            run = registry.open(choice.id)
            row_sets.append(set(searched_codes(run)[1].tolist()))
    return row_sets


def index_state(run: Run, store: CodeStore) -> IndexState:
    """Ask the store about a run's index."""
    if read_index(run) is None:
        return IndexState("missing", reason="This run has not been published.")
    try:
        record = open_index(run, store)
    except (CollectionMismatch, RunError) as error:  # a run may have lost its weights
        return IndexState("mismatch", reason=str(error))
    except (StoreError, OSError) as error:
        return unavailable(error)
    return IndexState("ready", count=record.count)


def unavailable(error: Exception) -> IndexState:
    """The state of an index whose store failed so."""
    summary = error.summary if isinstance(error, StoreUnavailable) else "Index not responding"
    return IndexState("unavailable", reason=str(error), summary=summary)


def _finished(settings: Settings) -> Iterator[Run]:
    """Runs whose codes can be searched, newest first; damaged ones are left out."""
    for run in RunRegistry(settings).all():
        try:
            is_done = run.state() == "done" and (run.folder / "codes" / "database.npz").is_file()
        except RunError:
            continue
        if is_done:
            yield run


def _measured_on(run: Run) -> tuple[str, str, int, tuple[str, ...]]:
    """What numbers of runs must share to be compared."""
    spec = run.spec
    return spec.protocol, spec.label_set, spec.split_seed, tuple(run.relevances[:1])


def _n_images(run: Run) -> int:
    """Images in the database it was measured on; 0 where nothing could be measured."""
    try:
        return run.report().n_database
    except RunError:
        return 0


def _choice(run: Run, rows: Mapping[str, ModelMap], labels: str, apart: str) -> RunChoice:
    """A run with the mAP of its leaderboard row.

    Args:
        run: finished.
        rows: of the leaderboard by the run's id.
        labels: name of its label set.
        apart: words of `told_apart`.
    """
    spec = run.spec
    slug = f"{spec.method}-{spec.bits}b-{spec.digest[:6]}"
    if run.id not in rows:
        reason = run.status().unmeasured or "it was not evaluated"
        label, facts = f"{spec.label} · not measured{apart}", f"Not measured: {reason}."
        return RunChoice(run.id, slug, label, spec.seed, None, 0.0, facts)
    row = rows[run.id]
    split = f", split {spec.split_seed}" if spec.split_seed else ""
    seeds = f"mean of {row.n_seeds} seeds" if row.n_seeds > 1 else "over queries"
    report = run.report()
    by = f", labels {labels}" if report.relevance == LABELS else f", {report.relevance}"
    facts = (
        f"mAP {100 * row.map:.1f} ± {100 * row.half:.1f} {seeds}, protocol {spec.protocol}"
        f"{by}{split}"
    )
    label = f"{spec.label} · mAP {100 * row.map:.1f}{apart}"
    precision_10 = report.values.get("precision_at_10") or 0.0
    return RunChoice(run.id, slug, label, spec.seed, row.own, precision_10, facts)


def _distinct(choices: list[RunChoice]) -> list[RunChoice]:
    """The choices with seed, and if need be the time, added to labels that occur twice."""
    for added in (" · seed {0.seed}", " · {0.id:.19}"):
        count = Counter(choice.label for choice in choices)
        choices = [
            replace(one, label=one.label + added.format(one)) if count[one.label] > 1 else one
            for one in choices
        ]
    return choices
