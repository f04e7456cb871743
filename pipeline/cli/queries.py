"""What `search` searches with: an image file, an image of the data set, or words."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import typer

from models.wording import unknown
from pipeline.datasets.dataset import DatasetError, RetrievalDataset
from pipeline.runs.run import Run
from pipeline.settings import Settings

if TYPE_CHECKING:
    from pipeline.index.search import Encoded


def check_one(image: Path | None, text: str, stored: str) -> None:
    """Refuse a search with none or several queries, and a file that is no image.

    Raises:
        typer.BadParameter: there is not one query.
        ImageError: the file cannot be used.
    """
    from pipeline.images import load_rgb

    if sum(map(bool, (image, text, stored))) != 1:
        raise typer.BadParameter("give one query: an image file, --id or --text")
    if image is not None:
        load_rgb(image)


def encoded_query(
    run: Run,
    dataset: RetrievalDataset,
    settings: Settings,
    image: Path | None,
    text: str,
    stored: str,
) -> Encoded:
    """The one query that was given, encoded by a run.

    Raises:
        ImageError: the file cannot be used.
        DatasetError: the data set has no image of that id.
        WeightsError: the run has no network that could encode it.
    """
    from pipeline.index.reencoding import encode_stored
    from pipeline.index.search import encode_image
    from pipeline.index.text_search import encode_text

    if stored:
        rows = np.flatnonzero(dataset.manifest["image_id"] == stored)
        if not len(rows):
            known = tuple(dataset.manifest["image_id"])
            raise DatasetError(unknown(f"image of {dataset.info.name}", stored, known[:5000]))
        return encode_stored(run, dataset, int(rows[0]), settings)
    backbone, method = run.load_backbone(), run.load_method()
    if text:
        return encode_text(text, run, dataset, backbone, method, settings)
    assert image is not None
    return encode_image(dataset.read_image(image), backbone, method)
