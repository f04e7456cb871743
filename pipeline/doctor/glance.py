"""A glance at a library: what can be seen to be wrong on every page, in a moment.

The bytes of small files are compared with their sums, once for each content; images, features and
codes are left to the doctor.
"""

from __future__ import annotations

from itertools import chain
from pathlib import Path

from pipeline.settings import Settings
from pipeline.sums import SUMS, check_sum, noted_sums

_MOST_BYTES = 1_000_000  # of a file that is read
_PLACES = (
    *("datasets/*", "features/*", "runs/*", "runs/*/*", "index", "index/collections/*"),
    *("baselines", "duplicates", "tags", "reports", "judging/*", "queries"),
)
_looked_at: dict[Path, tuple[tuple[int, int, int], bool]] = {}  # as it was, whether it is damaged


def damaged_files(settings: Settings) -> list[Path]:
    """Small files whose bytes are not those that were written."""
    found = chain.from_iterable(settings.home.glob(f"{place}/{SUMS}") for place in _PLACES)
    folders = sorted(sums.parent for sums in found)
    return [
        folder / name
        for folder in folders
        for name in sorted(noted_sums(folder))
        if _is_damaged(folder / name)
    ]


def _is_damaged(path: Path) -> bool:
    try:
        facts = path.stat()
        stamp = facts.st_ino, facts.st_mtime_ns, facts.st_size
        known = _looked_at.get(path)
        if known is None or known[0] != stamp:
            known = _looked_at[path] = stamp, facts.st_size < _MOST_BYTES and not _is_whole(path)
        return known[1]
    except OSError:  # gone, or told where it is read
        return False


def _is_whole(path: Path) -> bool:
    try:
        check_sum(path)
    except ValueError:
        return False
    return True
