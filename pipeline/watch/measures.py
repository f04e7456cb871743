"""Measures of this process that Prometheus reads: searches, their latency, requests, memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics
from prometheus_client.process_collector import ProcessCollector

Asker = Literal["page", "rest"]
Kind = Literal["image", "id", "code", "vector", "text"]

# Or each series has a second one, when it began.
disable_created_metrics()  # type: ignore[no-untyped-call]
REGISTRY = CollectorRegistry()  # of its own: the default one has what other packages put there
ProcessCollector(registry=REGISTRY)  # memory, CPU time, open files; on Linux

SEARCHES = Counter(
    "hashlens_searches",
    "Searches. fallback: the code files of the run answered, since no index did.",
    ("asker", "kind", "outcome"),  # outcome: index, fallback, refused, failed
    registry=REGISTRY,
)
ENCODE = Histogram(
    "hashlens_encode_seconds",
    "Seconds from an image, a text or a vector to its code, waiting included.",
    ("kind",),
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
    registry=REGISTRY,
)
SEARCH = Histogram(
    "hashlens_search_seconds",
    "Seconds in the index, or in the code files of the run.",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
    registry=REGISTRY,
)
REQUESTS = Counter(
    "hashlens_requests", "HTTP requests.", ("method", "route", "status"), registry=REGISTRY
)


@dataclass
class Outcome:
    """How a search went; whoever searches says so at its end."""

    is_fallback: bool = False
    search_s: float | None = None


@contextmanager
def counted_search(
    asker: Asker, kind: Kind, refusals: tuple[type[Exception], ...] = ()
) -> Iterator[Outcome]:
    """Count the search that the block makes.

    Args:
        asker: who searches.
        kind: of the query.
        refusals: errors that are the asker's fault.
    """
    outcome, word = Outcome(), "failed"
    try:
        yield outcome
        word = "fallback" if outcome.is_fallback else "index"
        if outcome.search_s is not None:
            SEARCH.observe(outcome.search_s)
    except refusals:
        word = "refused"
        raise
    finally:
        SEARCHES.labels(asker, kind, word).inc()
