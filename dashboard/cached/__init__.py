"""Streamlit caches around services and the pipeline: one module per subject."""

from dashboard.cached import (
    analysis,
    kinds,
    library,
    networks,
    report,
    runs,
    search,
    sharing,
    storage,
)

__all__ = [
    "analysis",
    "kinds",
    "library",
    "networks",
    "report",
    "runs",
    "search",
    "sharing",
    "storage",
]
