"""Builders of the pages under Evaluate and Share, with Streamlit's caches around them."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboard.services import resources, run_diff
from dashboard.services.findings import standing as find_standing
from dashboard.services.report_basket import Item, change, with_item


@st.cache_data(ttl=30, max_entries=50, show_spinner=False)
def standing(runs: tuple[str, ...], bits: tuple[int, ...], values: tuple[float, ...]) -> list[str]:
    """How each of some leaderboard rows stands to the best of its code length."""
    rows = pd.DataFrame({"run": runs, "bits": bits, "map": values})
    return find_standing(resources.settings(), rows)


def settings_table(runs: list[str], *, only_differences: bool) -> pd.DataFrame:
    """What was asked of some runs, side by side.

    Raises:
        RunError: one is gone.
    """
    return run_diff.settings_table(resources.settings(), runs, only_differences=only_differences)


def measures_table(runs: list[str]) -> pd.DataFrame:
    """What was measured of some runs, side by side.

    Raises:
        RunError: one is gone.
    """
    return run_diff.measures_table(resources.settings(), runs)


def add_to_report(dataset: str, item: Item) -> int:
    """Put an entry at the end of a data set's report; how many it has now.

    Raises:
        OSError: the library cannot be written.
    """
    return len(change(resources.settings(), dataset, with_item(item)).items)
