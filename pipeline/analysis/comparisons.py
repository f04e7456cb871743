"""Comparisons: which measured runs may stand in one table, and what their numbers belong to.

Numbers are compared only when data set, protocol, relevance, label set and split seed are the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from pipeline.datasets.dataset import list_datasets
from pipeline.datasets.protocols import Protocol
from pipeline.evaluation.rankings import HAMMING, RANKINGS, ranking_in_words
from pipeline.evaluation.relevance import LABELS, OF_QUERIES, RELEVANCES, in_words, meaning
from pipeline.evaluation.report import Report
from pipeline.runs.registry import RunRegistry
from pipeline.runs.results import RunError
from pipeline.runs.run import Run
from pipeline.runs.spec import RunSpec, StoredSpec
from pipeline.settings import Settings


@dataclass(frozen=True)
class Comparison:
    """What runs must have in common so that their numbers may stand in one table."""

    dataset: str
    protocol: Protocol
    label_set: str
    split_seed: int
    relevance: str = LABELS
    ranking: str = HAMMING
    n_runs: int = field(default=0, compare=False)
    first_labels: str = field(default="", compare=False)  # of the data set, where none are named

    @property
    def labels(self) -> str:
        """Name of the label set that decides relevance; empty where none does."""
        return (self.label_set or self.first_labels) if self.relevance == LABELS else ""

    @property
    def relevant(self) -> str:
        """What is relevant, in a word: the label set, or `neighbours@10`."""
        return self.labels if self.relevance == LABELS else self.relevance

    @property
    def label(self) -> str:
        """Short name for people."""
        seed = f" · split {self.split_seed}" if self.split_seed else ""
        labels = f" · labels: {self.labels}" if self.labels else ""
        relevance = "" if self.relevance == LABELS else f" · {self.relevance}"
        if relevance and self.label_set not in ("", self.first_labels):
            relevance += f" · images with {self.label_set}"  # other labels, another split
        ranking = "" if self.ranking == HAMMING else f" · {self.ranking}"
        return f"{self.protocol.name}{labels}{relevance}{ranking}{seed}"

    @property
    def sentence(self) -> str:
        """What belongs to every number: protocol with its summary, relevance and split."""
        meant = f" {meaning(self.relevance)}".rstrip()
        seed = f", split seed {self.split_seed}" if self.split_seed else ""
        return f"Protocol {self.conditions}{seed}: {self.protocol.summary}{meant}"

    @property
    def conditions(self) -> str:
        """Protocol and relevance, to stand in a sentence."""
        relevant = f", relevant by {self.labels}" if self.labels else ""
        if self.relevance != LABELS:
            relevant = f", relevant: {in_words(self.relevance)}"
        ranked = "" if self.ranking == HAMMING else f", ranked by {ranking_in_words(self.ranking)}"
        return f"{self.protocol.name}{relevant}{ranked}"

    @property
    def columns(self) -> dict[str, object]:
        """Protocol, labels and split as columns of an exported table."""
        return {
            "protocol": self.protocol.name,
            "relevant by": self.relevant,
            "ranking": self.ranking,
            "split seed": self.split_seed,
        }


def comparisons(
    settings: Settings,
    dataset: str,
    relevances: Collection[str] = OF_QUERIES,
    rankings: Collection[str] = (HAMMING,),
) -> list[Comparison]:
    """The comparisons that the measured runs of a data set fall into.

    Those by Hamming distance and by labels come first, then those with most runs.

    Args:
        settings: where the runs are.
        dataset: of the runs.
        relevances: that count; by default those with the queries of the split.
        rankings: that count; by default by Hamming distance alone.
    """
    count = Counter(
        comparison_of(run.spec, report)
        for run, report in measured_runs(settings, dataset)
        if report.relevance in relevances and report.ranking in rankings
    )
    first = first_labels(settings, dataset)
    found = [replace(one, n_runs=n, first_labels=first) for one, n in count.most_common()]
    order = {name: place for place, name in enumerate((*RANKINGS, *RELEVANCES))}
    return sorted(found, key=lambda one: (order[one.ranking], order[one.relevance]))


def comparisons_of(
    settings: Settings, runs: Sequence[str], relevance: str = "", ranking: str = HAMMING
) -> list[Comparison]:
    """The comparisons that some runs were measured in, each once; unmeasured runs have none.

    Args:
        settings: where the runs are.
        runs: their ids.
        relevance: of a run that was measured by several; empty, or one that it lacks: its default.
        ranking: of a run that was ranked in several ways; Hamming distance where it lacks it.
    """
    found: dict[Comparison, None] = {}
    registry = RunRegistry(settings)
    for run_id in runs:
        try:
            run = registry.open(run_id)
            known = relevance if relevance in run.all_relevances else ""
            chosen = known or next(iter(run.relevances), LABELS)
            is_ranked = (chosen, ranking) in run.measurements
            own = comparison_of(run.spec, run.report(known, ranking if is_ranked else HAMMING))
        except RunError:
            continue
        found[replace(own, first_labels=first_labels(settings, own.dataset))] = None
    return list(found)


def first_labels(settings: Settings, dataset: str) -> str:
    """Name of the label set that counts where none is named; empty where there is none."""
    return labels_by_default(settings).get(dataset, "")


def labels_by_default(settings: Settings) -> dict[str, str]:
    """`first_labels` of each data set that has any."""
    infos = (info for info in list_datasets(settings) if info.label_sets)
    return {info.name: info.label_sets[0].name for info in infos}


def told_apart(
    specs: Sequence[RunSpec | StoredSpec], default_labels: Mapping[str, str]
) -> list[str]:
    """What each run was trained and measured under, as far as runs of its data set differ in it.

    Args:
        specs: of the runs.
        default_labels: as `labels_by_default` gives them.

    Returns:
        Words to put behind the name of each run, for example ` on tags · protocol given`; empty
        where all runs of the data set are alike in this.
    """
    conditions = []
    for spec in specs:
        labels = spec.label_set or default_labels.get(spec.dataset, "")
        words = (
            f" on {labels}" if labels else " without labels",
            f" · protocol {spec.protocol}",
            f" · split {spec.split_seed}",
            f" · {spec.backbone}",
        )
        conditions.append((spec.dataset, words))
    values: dict[tuple[str, int], set[str]] = {}
    for dataset, words in conditions:
        for place, word in enumerate(words):
            values.setdefault((dataset, place), set()).add(word)
    return [
        "".join(word for place, word in enumerate(words) if len(values[dataset, place]) > 1)
        for dataset, words in conditions
    ]


def measured(settings: Settings, comparison: Comparison) -> list[tuple[Run, Report]]:
    """The measured runs of one comparison, newest first."""
    return [
        (run, report)
        for run, report in measured_runs(settings, comparison.dataset)
        if comparison_of(run.spec, report) == comparison
    ]


def comparison_of(spec: RunSpec, report: Report) -> Comparison:
    """The comparison that a measured run belongs to."""
    return Comparison(
        spec.dataset,
        report.protocol,
        spec.label_set,
        spec.split_seed,
        report.relevance,
        report.ranking,
    )


def same_but_seed(spec: RunSpec) -> str:
    """What runs of one row have in common: the digest of a spec without its seed."""
    return spec.model_copy(update={"seed": 0}).digest


def measured_runs(settings: Settings, dataset: str) -> Iterator[tuple[Run, Report]]:
    """Runs with each of their reports, newest first; of equal specs only the newest."""
    seen: set[str] = set()
    for run in RunRegistry(settings).all():
        if run.spec.dataset != dataset or run.spec.digest in seen:
            continue
        for measurement in run.measurements:
            try:
                report = run.report(*measurement)
            except RunError:
                continue
            seen.add(run.spec.digest)
            yield run, report
