"""Queries of the search page: their names in links, and six examples worth starting with."""

from __future__ import annotations

import base64
import hashlib
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dashboard.services.thumbs import thumb_url
from pipeline.analysis.opened_run import OpenRun
from pipeline.datasets.no_picture import lettered
from pipeline.decoding.value_range import ValueRange
from pipeline.images import load_rgb
from pipeline.runs.registry import RunRegistry
from pipeline.runs.results import RunError
from pipeline.settings import Settings

N_EXAMPLES = 6
_WORDS = "tx:"
_GOOD = 0.8  # examples sit at this quantile of their class's average precisions
_MIXED = 0.9  # the example nearest to this AP comes first: an opening that convinces


class EncodingError(Exception):
    """An image could not be turned into a code of the chosen run; the message says why."""


@dataclass(frozen=True)
class Upload:
    """An image the user gave; lives in the memory of one browser tab."""

    name: str
    content: bytes

    @property
    def sha256(self) -> str:
        """Hash of the bytes."""
        return hashlib.sha256(self.content).hexdigest()

    @property
    def ref(self) -> str:
        """Name in the address bar; it does not carry the image."""
        return f"up:{self.sha256[:12]}"


def preview(upload: Upload, pixels: int = 288, ranges: Sequence[ValueRange] = ()) -> str:
    """A small version of an upload as a data address, for the page that sent it.

    Args:
        upload: the image.
        pixels: longest side.
        ranges: of values by which the data set that is searched scales wide images.

    Raises:
        ImageError: the bytes are not a usable image.
    """
    picture, small = load_rgb(upload.content, ranges), io.BytesIO()
    picture.thumbnail((pixels, pixels))
    picture.save(small, "WEBP", quality=82)
    return "data:image/webp;base64," + base64.b64encode(small.getvalue()).decode()


@dataclass(frozen=True)
class Words:
    """A query in words."""

    text: str

    @property
    def ref(self) -> str:
        """Name in the address bar."""
        return f"{_WORDS}{self.text}"

    @classmethod
    def of_ref(cls, ref: str) -> Words | None:
        """The words of a link name; None for the name of an image."""
        return cls(ref.removeprefix(_WORDS)) if ref.startswith(_WORDS) else None

    @property
    def sha256(self) -> str:
        """Hash of the words."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    def picture(self) -> str:
        """The words as a picture, as a data address, where the pictures of queries stand."""
        small = io.BytesIO()
        lettered(self.text).save(small, "WEBP", quality=82)
        return "data:image/webp;base64," + base64.b64encode(small.getvalue()).decode()


@dataclass(frozen=True)
class Example:
    """An image of the query set, offered as a start."""

    ref: str
    row: int
    label: str
    thumb: str


def dataset_ref(row: int) -> str:
    """The link name of an image of the data set."""
    return f"ds:{row}"


def row_of_ref(ref: str, opened: OpenRun) -> int | None:
    """The manifest row in `ds:<row>`, None for anything else or a row that does not exist."""
    match = re.fullmatch(r"ds:(\d{1,9})", ref)
    row = int(match[1]) if match else -1
    return row if 0 <= row < len(opened.dataset) else None


def example_queries(opened: OpenRun, settings: Settings) -> list[Example]:
    """Six queries of different classes that this run answers well but not perfectly."""
    rows = _good_rows(opened, settings)
    if len(rows) < N_EXAMPLES:  # few classes, or nothing measured: fill up evenly
        spread = np.linspace(0, len(opened.query_rows) - 1, N_EXAMPLES).astype(int)
        rows += [int(row) for row in opened.query_rows[spread]]
    return [_example(opened, row) for row in dict.fromkeys(rows)][:N_EXAMPLES]


def random_query(
    opened: OpenRun, settings: Settings, *, is_hard: bool = False, current: int | None = None
) -> int:
    """The manifest row of any query, or of one that this run answers badly but not hopelessly.

    Args:
        opened: the run.
        settings: where its report is.
        is_hard: from the worst quarter of those with an AP above 0, where that was measured.
        current: the row on screen, drawn only where there is no other.
    """
    places = np.arange(len(opened.query_rows))
    ap = _measured_ap(opened, settings) if is_hard else None
    if ap is not None and (ap > 0).any():
        solvable = np.flatnonzero(ap > 0)
        places = solvable[np.argsort(ap[solvable], kind="stable")][: max(1, len(solvable) // 4)]
    others = places[opened.query_rows[places] != current]
    return int(opened.query_rows[np.random.default_rng().choice(others if len(others) else places)])


def _measured_ap(opened: OpenRun, settings: Settings) -> NDArray[np.float64] | None:
    """AP of each stored query (q,), None where it was not measured."""
    try:
        ap = RunRegistry(settings).open(opened.id).query_aps()
    except RunError:
        return None
    return ap if len(ap) == len(opened.query_rows) else None


def _good_rows(opened: OpenRun, settings: Settings) -> list[int]:
    """One query of each class, near the class's upper quantile of AP; mixed results first."""
    ap = _measured_ap(opened, settings)
    if opened.labels is None or ap is None:
        return []
    labels = opened.labels[opened.query_rows]
    chosen = [_near_quantile(ap, np.flatnonzero(labels[:, c])) for c in range(labels.shape[1])]
    places = sorted({p for p in chosen if p is not None}, key=lambda place: abs(ap[place] - _MIXED))
    return [int(opened.query_rows[place]) for place in places]


def _near_quantile(ap: NDArray[np.float64], places: NDArray[np.int64]) -> int | None:
    if not len(places):
        return None
    target = np.quantile(ap[places], _GOOD)
    return int(places[np.abs(ap[places] - target).argmin()])


def _example(opened: OpenRun, row: int) -> Example:
    names = opened.label_names(row)
    label = names[0] if names else opened.text("text", row) or opened.text("image_id", row)
    thumb = thumb_url(opened.dataset.info.name, opened.text("sha256", row))
    return Example(dataset_ref(row), row, label, thumb)
