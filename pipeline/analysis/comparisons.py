"""Comparisons: which measured runs may stand in one table, and what their numbers belong to.

Numbers are compared only when data set, protocol, label set and split seed are the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from pipeline.datasets.dataset import list_datasets
from pipeline.datasets.protocols import Protocol
from pipeline.evaluation.report import Report
from pipeline.runs.registry import RunRegistry
from pipeline.runs.results import RunError
from pipeline.runs.run import Run
from pipeline.runs.spec import RunSpec
from pipeline.settings import Settings


@dataclass(frozen=True)
class Comparison:
    """What runs must have in common so that their numbers may stand in one table."""

    dataset: str
    protocol: Protocol
    label_set: str
    split_seed: int
    n_runs: int = field(default=0, compare=False)
    first_labels: str = field(default="", compare=False)  # of the data set, where none are named

    @property
    def labels(self) -> str:
        """Name of the label set that decides relevance."""
        return self.label_set or self.first_labels

    @property
    def label(self) -> str:
        """Short name for people."""
        seed = f" · split {self.split_seed}" if self.split_seed else ""
        labels = f" · labels: {self.labels}" if self.labels else ""
        return f"{self.protocol.name}{labels}{seed}"

    @property
    def sentence(self) -> str:
        """What belongs to every number: protocol, labels and split, and what the protocol says."""
        labels = f", relevant by {self.labels}" if self.labels else ""
        seed = f", split seed {self.split_seed}" if self.split_seed else ""
        return f"Protocol {self.protocol.name}{labels}{seed}: {self.protocol.summary}"

    @property
    def columns(self) -> dict[str, object]:
        """Protocol, labels and split as columns of an exported table."""
        return {
            "protocol": self.protocol.name,
            "relevant by": self.labels,
            "split seed": self.split_seed,
        }


def comparisons(settings: Settings, dataset: str) -> list[Comparison]:
    """The comparisons that the measured runs of a data set fall into, most runs first."""
    count = Counter(
        comparison_of(run.spec, report) for run, report in measured_runs(settings, dataset)
    )
    first = first_labels(settings, dataset)
    return [replace(one, n_runs=n, first_labels=first) for one, n in count.most_common()]


def comparisons_of(settings: Settings, runs: Sequence[str]) -> list[Comparison]:
    """The comparisons that some runs were measured in, each once; unmeasured runs have none."""
    found: dict[Comparison, None] = {}
    registry = RunRegistry(settings)
    for run_id in runs:
        try:
            run = registry.open(run_id)
            own = comparison_of(run.spec, run.report())
        except RunError:
            continue
        found[replace(own, first_labels=first_labels(settings, own.dataset))] = None
    return list(found)


def first_labels(settings: Settings, dataset: str) -> str:
    """Name of the label set that counts where none is named; empty where there is none."""
    info = next((info for info in list_datasets(settings) if info.name == dataset), None)
    return info.label_sets[0].name if info is not None and info.label_sets else ""


def measured(settings: Settings, comparison: Comparison) -> list[tuple[Run, Report]]:
    """The measured runs of one comparison, newest first."""
    return [
        (run, report)
        for run, report in measured_runs(settings, comparison.dataset)
        if comparison_of(run.spec, report) == comparison
    ]


def comparison_of(spec: RunSpec, report: Report) -> Comparison:
    """The comparison that a measured run belongs to."""
    return Comparison(spec.dataset, report.protocol, spec.label_set, spec.split_seed)


def same_but_seed(spec: RunSpec) -> str:
    """What runs of one row have in common: the digest of a spec without its seed."""
    return spec.model_copy(update={"seed": 0}).digest


def measured_runs(settings: Settings, dataset: str) -> Iterator[tuple[Run, Report]]:
    """Runs with a report, newest first; of equal specs only the newest."""
    seen: set[str] = set()
    for run in RunRegistry(settings).all():
        if run.spec.dataset != dataset or run.spec.digest in seen:
            continue
        try:
            report = run.report()
        except RunError:
            continue
        seen.add(run.spec.digest)
        yield run, report
