"""Permalinks: everything a search needs, in one address, with the fingerprint of its index.

Links name all settings, also those at their default, since defaults may change. An uploaded query
is stored when its link is made, and only then, under its hash: queries/<sha256>.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlencode

from dashboard.services.queries import Upload
from pipeline.files import write_atomic
from pipeline.images import load_rgb
from pipeline.indexing import IndexRecord
from pipeline.settings import Settings

VERSION = "1"
_SHORT = re.compile(r"up:([0-9a-f]{12})")
Value = str | int | list[str] | None


def fingerprint(dataset_fingerprint: str, record: IndexRecord | None) -> str:
    """Data, version and size of what was searched, for example `3f2a91c0.v2.1492`."""
    if record is None:
        return f"{dataset_fingerprint[:8]}.file.0"
    version = record.collection.rsplit("__", 1)[-1]
    return f"{dataset_fingerprint[:8]}.{version}.{record.count}"


def link(base: str, settings: Mapping[str, Value], searched: str) -> str:
    """The address.

    Args:
        base: scheme, host and path of the page.
        settings: parameter -> value; empty ones are left out, lists are repeated.
        searched: fingerprint of the index.
    """
    given = [(name, value) for name, value in settings.items() if value not in (None, "", [])]
    return f"{base}?{urlencode([*given, ('ix', searched), ('v', VERSION)], doseq=True)}"


def what_changed(asked: str, now: str) -> str:
    """What is different since a link was made, as a sentence; empty for nothing."""
    if not asked or asked == now:
        return ""
    parts = (asked.split("."), now.split("."))
    if any(len(part) != 3 or not part[2].isdecimal() for part in parts):
        return "This link was made with another version of HashLens; results may differ."
    (data_then, version_then, count_then), (data_now, version_now, count_now) = parts
    changes = []
    if data_then != data_now:
        changes.append("the data set has other content")
    if "file" not in (version_then, version_now) and version_then != version_now:
        changes.append(f"the index was built again ({version_then} then, {version_now} now)")
    if "file" in (version_then, version_now) and version_then != version_now:
        changes.append("the run has been published or withdrawn")
    more = int(count_now) - int(count_then)
    if more and "file" not in (version_then, version_now):
        changes.append(f"it holds {abs(more):,} images {'more' if more > 0 else 'fewer'}")
    return f"Since this link was made {' and '.join(changes)}; results may differ."


def store_query(upload: Upload, settings: Settings) -> Path:
    """Keep an uploaded query under its hash, for its link.

    Raises:
        ImageError: the bytes are not a usable image.
        OSError: it cannot be stored.
    """
    load_rgb(upload.content)
    path = _folder(settings) / upload.sha256
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, upload.content)
    return path


def stored_query(ref: str, settings: Settings) -> Upload | None:
    """The upload that a link name means; None when it was never stored, or is damaged."""
    found = _SHORT.fullmatch(ref)
    if not found:
        return None
    for path in sorted(_folder(settings).glob(f"{found[1]}*")):
        content = path.read_bytes()
        if hashlib.sha256(content).hexdigest() == path.name:
            return Upload("stored query", content)
    return None


def _folder(settings: Settings) -> Path:
    return settings.home / "queries"
