"""Training what is recommended for a data set: the plan, how far it is, and publishing the best."""

from __future__ import annotations

from dataclasses import dataclass

from dashboard.services.training_plan import TrainingPlan, plan_training
from pipeline.analysis.recommended_methods import Recommendation, recommended_methods
from pipeline.datasets.dataset import DatasetInfo
from pipeline.index.index_jobs import last_result, requested
from pipeline.index.publish import read_index
from pipeline.runs.registry import RunRegistry
from pipeline.runs.run import Run
from pipeline.settings import Settings


@dataclass(frozen=True)
class RecommendedPlan:
    """What is recommended, and what is there of it.

    Attributes:
        methods: with the reasons.
        plan: the runs, in the same order; those that failed count as new.
        tried: ids of its runs, newest of each spec, whatever became of them.
    """

    methods: tuple[Recommendation, ...]
    plan: TrainingPlan
    tried: tuple[str, ...]


def recommended_plan(settings: Settings, info: DatasetInfo) -> RecommendedPlan:
    """The plan for a data set, under its own protocol and split."""
    methods = tuple(recommended_methods(info))
    plan = plan_training(
        settings,
        {
            "dataset": info.name,
            "methods": tuple(one.method for one in methods),
            "bits": (methods[0].bits,),
            "label_set": info.label_sets[0].name if info.label_sets else "",
            "protocol": info.default_protocol,
            "split_seed": info.split_seed,
        },
    )
    newest: dict[str, str] = {}
    for run in RunRegistry(settings).all():
        newest.setdefault(run.spec.digest, run.id)
    digests = [one.spec.digest for one in plan.planned]
    return RecommendedPlan(methods, plan, tuple(newest[one] for one in digests if one in newest))


def needs_publishing(run: Run) -> bool:
    """Whether a run has no index, and nobody has asked for one yet."""
    return read_index(run) is None and requested(run) is None and last_result(run) is None


def is_publishing(run: Run) -> bool:
    """Whether the worker is to do something with its index."""
    return requested(run) is not None
