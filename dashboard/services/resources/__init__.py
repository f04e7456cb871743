"""The only place that builds pipeline objects for pages, with Streamlit's caches around them.

Cached resources are shared by all users: nobody changes them. Only successes are cached, except the
state of an index, which is asked again after a few seconds or on Retry. One file for each area;
pages import the names from here.
"""

from dashboard.services.resources.analysing import (
    bit_ablation,
    code_view,
    failures,
    measured,
    measures_table,
    n_weak_bits,
    query_curves,
    relaxed,
    review,
    row_curves,
    say,
    settings_table,
    standing,
    take_back,
    training_table,
)
from dashboard.services.resources.building import (
    change_run,
    drop_index_of,
    has_worker,
    job,
    jobs,
    methods,
    publish_run,
    quoted,
    started,
)
from dashboard.services.resources.evaluating import board, boards, curves, finding, studies
from dashboard.services.resources.library import dataset, datasets, runs, settings, store
from dashboard.services.resources.reporting import (
    add_to_report,
)
from dashboard.services.resources.searching import (
    backend,
    encoded,
    examples,
    fall_back,
    index,
    opened,
    retry,
    stored,
)
from dashboard.services.resources.system import forget_status, overview

__all__ = [
    "add_to_report",
    "backend",
    "bit_ablation",
    "board",
    "boards",
    "change_run",
    "code_view",
    "curves",
    "dataset",
    "datasets",
    "drop_index_of",
    "encoded",
    "examples",
    "failures",
    "fall_back",
    "finding",
    "forget_status",
    "has_worker",
    "index",
    "job",
    "jobs",
    "measured",
    "measures_table",
    "methods",
    "n_weak_bits",
    "opened",
    "overview",
    "publish_run",
    "query_curves",
    "quoted",
    "relaxed",
    "retry",
    "review",
    "row_curves",
    "runs",
    "say",
    "settings",
    "settings_table",
    "standing",
    "started",
    "store",
    "stored",
    "studies",
    "take_back",
    "training_table",
]
