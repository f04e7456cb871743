"""Streamlit caches around services and the pipeline: one module per subject."""

from dashboard.cached import (
    analysis,
    duplicates,
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
    "duplicates",
    "kinds",
    "library",
    "networks",
    "report",
    "runs",
    "search",
    "sharing",
    "storage",
]
