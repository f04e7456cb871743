"""A tile that stands for an image of a data set made of vectors: its id and labels in letters."""

from __future__ import annotations

import re
import textwrap

from PIL import Image, ImageDraw, ImageFont

from pipeline.datasets.dataset import RetrievalDataset

_SIDE, _MARGIN, _LINE = 256, 20, 28  # pixels
_PAPER, _INK, _FAINT = "#e8ecf1", "#1f2937", "#4b5563"  # readable on a light and a dark page
_COLUMNS, _LINES = 16, 4  # letters and lines that fit, of the id and of the labels each


def tile(dataset: RetrievalDataset, row: int) -> Image.Image:
    """The tile of manifest row `row`, square."""
    record = dataset.manifest.iloc[row]
    names = [
        name for labels in dataset.info.label_sets[:1] for name in record[f"labels:{labels.name}"]
    ]
    return lettered(str(record["image_id"]), ", ".join(names))


def lettered(text: str, below: str = "") -> Image.Image:
    """A square tile with a text at its top and another one at its end."""
    image = Image.new("RGB", (_SIDE, _SIDE), _PAPER)
    draw = ImageDraw.Draw(image)
    for number, line in enumerate(_lines(text)):
        place = _MARGIN, _MARGIN + number * _LINE
        draw.text(place, line, _INK, ImageFont.load_default(24))
    last = _lines(below)
    for number, line in enumerate(last):
        place = _MARGIN, _SIDE - _MARGIN - (len(last) - number) * _LINE
        draw.text(place, line, _FAINT, ImageFont.load_default(22))
    return image


def _lines(text: str) -> list[str]:
    """Lines that break behind the signs of paths and names where they can."""
    loose = re.sub(r"([/_])(?=.)", "\\1 ", text)
    lines = textwrap.wrap(loose, _COLUMNS, max_lines=_LINES, placeholder="…")
    return [re.sub(r"([/_]) ", r"\1", line) for line in lines]
