"""The only place that builds pipeline objects for pages, with Streamlit's caches around them.

Cached resources are shared by all users: nobody changes them. Only successes are cached, except the
state of an index, which is asked again after a few seconds or on Retry. One file for each area;
pages import the names from here.
"""

from dashboard.services.resources.building import (
    change_index,
    change_run,
    drop_index_of,
    has_worker,
    index_view,
    job,
    jobs,
    methods,
    quoted,
    started,
    verify_index,
)
from dashboard.services.resources.evaluating import board, boards, curves, finding, studies
from dashboard.services.resources.library import (
    dataset,
    datasets,
    published,
    runs,
    settings,
    store,
    verdicts,
)
from dashboard.services.resources.searching import (
    backend,
    bit_table,
    code_buckets,
    encoded,
    encoded_image,
    examples,
    fall_back,
    features,
    index,
    opened,
    relaxed,
    relaxed_sample,
    retry,
    stored,
)
from dashboard.services.resources.system import forget_status, overview

__all__ = [
    "backend",
    "bit_table",
    "board",
    "boards",
    "change_index",
    "change_run",
    "code_buckets",
    "curves",
    "dataset",
    "datasets",
    "drop_index_of",
    "encoded",
    "encoded_image",
    "examples",
    "fall_back",
    "features",
    "finding",
    "forget_status",
    "has_worker",
    "index",
    "index_view",
    "job",
    "jobs",
    "methods",
    "opened",
    "overview",
    "published",
    "quoted",
    "relaxed",
    "relaxed_sample",
    "retry",
    "runs",
    "settings",
    "started",
    "store",
    "stored",
    "studies",
    "verdicts",
    "verify_index",
]
