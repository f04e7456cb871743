"""Resources of the report: its basket, kept in the library."""

from __future__ import annotations

from dashboard.services.report_basket import Item, change, with_item
from dashboard.services.resources.library import settings


def add_to_report(dataset: str, item: Item) -> int:
    """Put an entry at the end of a data set's report; how many it has now.

    Raises:
        OSError: the library cannot be written.
    """
    return len(change(settings(), dataset, with_item(item)).items)
