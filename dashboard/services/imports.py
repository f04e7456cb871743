"""The Import page without Streamlit: what may be read, and what a dry run says, as tables."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pandas as pd

from pipeline.datasets.problems import Problem
from pipeline.ingest.dry_run import SIZE_EDGES, NearPair, Plan
from pipeline.ingest.import_jobs import (
    ImportJob,
    Kind,
    create_job,
    open_job,
    start_job,
    uploads_path,
)
from pipeline.ingest.request import ImportRequest
from pipeline.jobs import JobError
from pipeline.settings import Settings

_PARTS = {"query": "query", "train": "training"}
_PLACES = {
    "query": "among the queries",
    "train": "in the training set",
    "database": "in the database",
}
MOST_CLASSES = 20  # bars of the class chart; the others are one bar


@dataclass(frozen=True)
class ImagePair:
    """Two images that are, or look, the same.

    Attributes:
        sentence: what they are.
        sources: address of each picture.
        names: of the images.
        parts: of the split that they are in; empty where that does not matter.
    """

    sentence: str
    sources: tuple[str, str]
    names: tuple[str, str]
    parts: tuple[str, str]


class NotAllowed(ValueError):  # noqa: N818 - the name says what is wrong
    """The operator does not allow this folder; the message says what is allowed."""


def allowed_source(text: str, settings: Settings) -> str:
    """A path on the server, when it lies below a root that the operator allows.

    Raises:
        NotAllowed: it does not, also by way of links, or there is nothing.
    """
    roots = allowed_roots(settings)
    path = Path(text.strip())
    resolved = path.resolve()
    if not text.strip() or not any(resolved.is_relative_to(root) for root in roots):
        allowed = ", ".join(roots) or "none"
        raise NotAllowed(
            f"{text.strip() or 'an empty path'} is not inside an allowed folder ({allowed})"
        )
    if not resolved.exists():
        raise NotAllowed(f"{text.strip()} does not exist on the server")
    return str(resolved)


def allowed_roots(settings: Settings) -> tuple[str, ...]:
    """The folders of the server that may be imported; links inside may not lead out of them."""
    return tuple(str(root.resolve()) for root in settings.import_roots)


def begin(request: ImportRequest, kind: Kind, settings: Settings) -> ImportJob:
    """Create a job and start it."""
    job = create_job(request, kind, settings)
    start_job(job, settings)
    return job


def find_job(job_id: str, settings: Settings) -> ImportJob | None:
    """The job of an address bar; None when it is gone or damaged."""
    try:
        job = open_job(job_id, settings)
        job.status()
        job.request()
    except JobError:
        return None
    return job


def upload_of(request: ImportRequest, settings: Settings) -> str:
    """The token of the upload that a request reads; empty where it reads something else."""
    folder = Path(request.source).parent
    return folder.name if folder.parent == uploads_path(settings) else ""


def command_of(request: ImportRequest, settings: Settings) -> str:
    """The command line that does the same; an upload goes by its own name."""
    if upload_of(request, settings):
        request = request.model_copy(update={"source": Path(request.source).name})
    return request.command()


def class_table(counts: tuple[tuple[str, int], ...]) -> pd.DataFrame:
    """Columns class and images: the largest classes, and the others in one row."""
    shown = list(counts[:MOST_CLASSES])
    others = counts[MOST_CLASSES:]
    if others:
        shown.append((f"{len(others)} other classes", sum(n for _, n in others)))
    return pd.DataFrame(shown, columns=["class", "images"])


def size_table(plan: Plan) -> pd.DataFrame:
    """Columns side (in words) and images, from the smallest to the largest that occurs."""
    inner = [f"{low}–{high - 1}" for low, high in pairwise(SIZE_EDGES[1:])]
    names = [f"under {SIZE_EDGES[1]}", *inner, f"{SIZE_EDGES[-1]} or more"]
    occurring = [place for place, n in enumerate(plan.sizes) if n]
    places = range(occurring[0], occurring[-1] + 1) if occurring else range(0)
    return pd.DataFrame(
        {"side": [names[p] for p in places], "images": [plan.sizes[p] for p in places]}
    )


def problem_table(problems: tuple[Problem, ...]) -> pd.DataFrame:
    """Columns file, reason, action."""
    return pd.DataFrame(problems, columns=list(Problem._fields))


def near_table(plan: Plan) -> pd.DataFrame:
    """Copies across the split and pairs that look alike, leaks first; distance in bits of 64."""
    return pd.DataFrame(
        [
            (pair.first, pair.second, pair.distance, "leak" if pair.is_leak else "")
            for pair in plan.near
        ],
        columns=["first", "second", "distance", "across the split"],
    )


def pictured_pairs(plan: Plan) -> list[ImagePair]:
    """The pairs whose thumbnails a plan has, leaks first."""
    webp_of = {thumb.image_id: thumb.webp for thumb in plan.pair_thumbs}
    pairs = []
    for pair in plan.near:
        names = (pair.first, pair.first if pair.is_copy else pair.second)
        if all(name in webp_of for name in names):
            left, right = (f"data:image/webp;base64,{webp_of[name]}" for name in names)
            first, second = (_PARTS.get(side, side) for side in pair.sides)
            pairs.append(
                ImagePair(
                    pair_sentence(pair), (left, right), (pair.first, pair.second), (first, second)
                )
            )
    return pairs


def pair_sentence(pair: NearPair) -> str:
    """What a pair is, in words."""
    if pair.is_copy:
        where = " and ".join(_PLACES.get(side, side) for side in pair.sides)
        return f"The same picture {where}"
    differ = "differs" if pair.distance == 1 else "differ"
    return f"Nearly the same: {pair.distance} of 64 bits {differ}"
