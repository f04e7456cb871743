"""Measures of what lies in the data folder, read when Prometheus asks: runs, queue, worker."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import get_args

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from pipeline.index.index_jobs import waiting
from pipeline.runs.registry import RunRegistry
from pipeline.runs.results import RunError
from pipeline.runs.status import State
from pipeline.settings import Settings
from pipeline.worker import heartbeat_age_s

_STATES = (*get_args(State), "lost")


def runs_by_state(settings: Settings) -> dict[str, int]:
    """How many runs there are in each state."""
    counts = Counter(dict.fromkeys(_STATES, 0))
    for run in RunRegistry(settings).all():
        try:
            counts[run.state()] += 1
        except RunError:
            continue  # deleted or damaged a moment ago
    return dict(counts)


def queue(settings: Settings, runs: Mapping[str, int]) -> dict[str, int]:
    """How many runs (of those by state), and changes of indexes, wait for a worker."""
    return {"run": runs["queued"], "index": len(waiting(settings))}


class LibraryCollector(Collector):
    """Collector of a data folder; what cannot be read is left out, and `hashlens_ready` says so.

    Args:
        settings: say where the library is.
        checks: of readiness.
    """

    def __init__(self, settings: Settings, checks: Callable[[], Mapping[str, bool]]) -> None:
        self._settings, self._checks = settings, checks

    def describe(self) -> list[GaugeMetricFamily]:
        """Nothing, so that registering reads no disk."""
        return []

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """All measures, as they are now."""
        checks = self._checks()
        yield _family("ready", "1 where a check of /readyz is passed.", "check", checks)
        if not checks.get("data", False):
            return
        runs = runs_by_state(self._settings)
        yield _family("runs", "Runs by state.", "state", runs)
        waits = queue(self._settings, runs)
        yield _family("queue_length", "Runs and changes of indexes that wait.", "work", waits)
        if (age := heartbeat_age_s(self._settings)) is not None:
            name = "hashlens_worker_heartbeat_age_seconds"
            yield GaugeMetricFamily(name, "Seconds since a worker was heard of.", value=age)


def _family(name: str, help_: str, label: str, values: Mapping[str, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"hashlens_{name}", help_, labels=(label,))
    for value, number in values.items():
        family.add_metric((value,), float(number))
    return family
