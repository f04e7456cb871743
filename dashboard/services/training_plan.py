"""What the Train page offers and asks for: method cards, presets, the plan with its price."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from typing import Any

import numpy as np
from pydantic import ValidationError

from pipeline.catalog import (
    ConfigField,
    config_fields,
    list_networks,
    method_cards,
    protocols,
)
from pipeline.datasets.dataset import DatasetError, DatasetInfo, load_dataset
from pipeline.runs import experiment
from pipeline.runs.cost_estimates import Estimate, estimate, typical_s
from pipeline.runs.experiment import Planned
from pipeline.runs.requirements import can_finetune, needs, why_not
from pipeline.runs.results import RunError
from pipeline.runs.run import Run
from pipeline.runs.sweep import Sweep, plan, submit
from pipeline.settings import Settings
from pipeline.stored_features import lacking_vectors, own_vectors
from pipeline.wording import duration, percent, plural
from pipeline.worker import ensure_worker

QUICK, PAPER, CUSTOM = "Quick", "Paper", "Custom"
_SHORT = {"epochs": 5, "rounds": 10, "iterations": 20}  # at most, for a first look
_GROUPS = {
    "supervised": "Supervised: learn from labels",
    "unsupervised": "Unsupervised: learn from images alone",
    "data-independent": "Baseline: learns nothing",
}


@dataclass(frozen=True)
class Choice:
    """A method as it is offered.

    Attributes:
        name: of the method.
        title: for people.
        summary: its idea in one sentence.
        source: where it was published.
        paper: link; empty where there is none.
        needs: beside images.
        why_not: why the data set cannot serve it; empty if it can.
        can_finetune: whether it can teach the backbone.
        typical_s: median seconds of training here; None if it never ran.
    """

    name: str
    title: str
    summary: str
    source: str
    paper: str
    needs: tuple[str, ...]
    why_not: str
    can_finetune: bool
    typical_s: float | None


@dataclass(frozen=True)
class Trained:
    """What is there of a method under the settings on screen: a run, and in words how it is."""

    run: str
    words: str


@dataclass(frozen=True)
class TrainingPlan:
    """A plan and its price, or why there is none."""

    sweep: Sweep | None
    planned: tuple[Planned, ...]
    price: Estimate
    problem: str = ""

    @property
    def n_new(self) -> int:
        """Runs that would be queued."""
        return sum(planned.state == "new" for planned in self.planned)


def choices(settings: Settings, info: DatasetInfo, label_set: str) -> dict[str, list[Choice]]:
    """All methods, by supervision."""
    groups: dict[str, list[Choice]] = {title: [] for title in _GROUPS.values()}
    typical = typical_s(settings)
    for card in method_cards():
        choice = Choice(
            name=card.name,
            title=card.title,
            summary=card.summary,
            source=f"{card.venue} {card.year}",
            paper=card.paper,
            needs=needs(card),
            why_not=why_not(card, info, label_set),
            can_finetune=can_finetune(card),
            typical_s=typical.get(card.name),
        )
        groups[_GROUPS[card.supervision]].append(choice)
    return groups


def search_methods(groups: Mapping[str, Sequence[Choice]], words: str) -> dict[str, list[Choice]]:
    """The methods that have all of these words in title, summary, source, needs or group."""

    def text(group: str, method: Choice) -> str:
        facts = (group, method.name, method.title, method.summary, method.source, *method.needs)
        return " ".join(facts).lower()

    wanted = words.lower().split()
    return {
        group: [one for one in methods if all(word in text(group, one) for word in wanted)]
        for group, methods in groups.items()
    }


def already_there(
    settings: Settings, methods: Sequence[str], fields: Mapping[str, Any]
) -> dict[str, Trained]:
    """The methods of which every run is done, or waits or runs, under the same settings.

    Args:
        settings: where the library is.
        methods: names.
        fields: of a sweep, beside the methods.
    """
    specs = {}
    for name in methods:
        config = {name: fields.get("config", {}).get(name, {})}
        with suppress(ValidationError):
            sweep = Sweep.model_validate({**fields, "config": config, "methods": (name,)})
            specs[name] = sweep.specs()
    try:
        planned = experiment.plan(chain(*specs.values()), settings)
    except DatasetError:
        return {}
    run_of = {one.spec.digest: one.run for one in planned if one.run is not None}
    there = {}
    for name, wanted in specs.items():
        runs = [run_of[spec.digest] for spec in wanted if spec.digest in run_of]
        if runs and len(runs) == len(wanted):
            there[name] = Trained(runs[0].id, _how_it_is(runs))
    return there


def _how_it_is(runs: Sequence[Run]) -> str:
    """In words for people, with the result where there is one run."""
    try:
        if any(run.status().state != "done" for run in runs):
            return "Waiting or in training"
        if len(runs) > 1:
            return f"{plural(len(runs), 'run')} trained"
        return f"Trained, mAP {percent(runs[0].report().map)} %"
    except RunError:
        return "Trained"


def first_choice(
    groups: Mapping[str, Sequence[Choice]], recommended: Sequence[str], there: Mapping[str, Trained]
) -> set[str]:
    """Names of the methods to begin with: the recommended ones that are not there yet.

    Where all are, the next method that can train here, so that the page is ready to start.
    """
    free = [
        one.name
        for methods in groups.values()
        for one in methods
        if not one.why_not and one.name not in there
    ]
    return {name for name in recommended if name in free} or set(free[:1])


def fitting_backbones(info: DatasetInfo, settings: Settings) -> dict[str, str]:
    """Backbones that can give features of a data set, with an example for each family of networks.

    The networks come first, then the own vectors that some of the images have. Without pictures
    there are only these.

    Raises:
        DatasetError: the data set cannot be read.
    """
    dataset = load_dataset(info.name, settings)
    keys = dataset.pixel_keys()
    own = {
        name: ""
        for name, (stored, _) in own_vectors(settings).items()
        if (stored.find(keys) >= 0).any()
    }
    if not dataset.has_pictures and own:
        return own
    return list_networks() | own


def fitting_protocols(info: DatasetInfo) -> list[str]:
    """Protocols that the data set can be measured under, its own first."""
    names = [protocol.name for protocol in protocols() if protocol.dataset in (None, info.name)]
    return sorted(names, key=lambda name: name != info.default_protocol)


def preset(method: str, name: str) -> dict[str, Any]:
    """Settings of a preset that differ from the method's defaults."""
    if name != QUICK:
        return {}
    return {
        field.name: min(field.default, _SHORT[field.name])
        for field in config_fields(method)
        if field.name in _SHORT and field.default > _SHORT[field.name]
    }


def changed(fields: Sequence[ConfigField], values: Mapping[str, Any]) -> dict[str, Any]:
    """The values that are not the defaults."""
    defaults = {field.name: field.default for field in fields}
    return {name: value for name, value in values.items() if value != defaults[name]}


def plan_training(settings: Settings, fields: Mapping[str, Any]) -> TrainingPlan:
    """Check what was asked for and say what it will take.

    Args:
        settings: where the library is.
        fields: of a sweep.
    """
    nothing = Estimate(None, None, 0)
    try:
        sweep = Sweep.model_validate(fields)
        planned = plan(sweep, settings)
        _check_vectors(sweep, settings)
    except ValidationError as error:
        return TrainingPlan(None, (), nothing, _sentence(error))
    except (DatasetError, ValueError) as error:
        return TrainingPlan(None, (), nothing, str(error))
    new = [run.spec for run in planned if run.state == "new"]
    return TrainingPlan(sweep, tuple(planned), estimate(new, settings))


def _check_vectors(sweep: Sweep, settings: Settings) -> None:
    """Refuse own vectors that leave images out: a run would fail for it.

    Raises:
        DatasetError: some images have no vector.
    """
    if sweep.backbone not in (own := own_vectors(settings)):
        return
    dataset = load_dataset(sweep.dataset, settings)
    lacking = np.flatnonzero(own[sweep.backbone][0].find(dataset.pixel_keys()) < 0)
    if len(lacking):
        raise DatasetError(lacking_vectors(sweep.backbone, dataset, lacking.tolist()))


def cost_in_words(price: Estimate) -> str:
    """How long it will take, features and training apart; `price.basis` says where from."""
    features = f"features {_about(price.features_s)}" if price.features_s else ""
    if price.seconds is None:
        return f"{features}, training time not known" if features else "training time not known"
    training = f"training {_about(price.seconds - price.features_s)}"
    apart = f" ({features}, {training})" if features else ""
    unknown = (
        f", plus {plural(price.n_unknown, 'run')} of unknown length" if price.n_unknown else ""
    )
    return f"{_about(price.seconds)}{apart}{unknown}"


def _about(seconds: float) -> str:
    if seconds < 1:
        return "under 1 s"
    return f"about {seconds:.0f} s" if seconds < 120 else f"about {duration(seconds)}"


def start(settings: Settings, sweep: Sweep) -> tuple[str, int]:
    """Queue what is new and see to it that a worker is there; its name and how many are queued.

    Raises:
        DatasetError, ValidationError: it cannot be done, in words for people.
    """
    name = f"sweep {datetime.now(UTC):%Y-%m-%d %H:%M:%S}" if len(sweep.specs()) > 1 else ""
    before = {planned_run.run.id for planned_run in plan(sweep, settings) if planned_run.run}
    planned = submit(sweep, settings, name)
    ensure_worker(settings)
    return name, sum(
        planned_run.run is not None and planned_run.run.id not in before for planned_run in planned
    )


def _sentence(error: ValidationError) -> str:
    """The first problem of a validation error, with the name of the setting."""
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    message = str(first["msg"]).removeprefix("Value error, ")
    return f"{where}: {message}" if where else message
