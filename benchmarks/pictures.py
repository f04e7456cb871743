"""JPEGs in class folders, all different, for import and encoding."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image

CLASSES = 100


def write(n: int, side: int, folder: Path) -> None:
    """Write n images of side x side pixels; nothing where they are already."""
    if len(paths(folder)) == n:
        return
    rng = np.random.default_rng(0)
    for number in range(CLASSES):
        (folder / f"class {number:03d}").mkdir(parents=True, exist_ok=True)
    for number in range(n):
        buffer = io.BytesIO()
        pixels = rng.integers(0, 256, (side // 8, side // 8, 3), dtype=np.uint8)
        image = Image.fromarray(pixels).resize((side, side), Image.Resampling.BICUBIC)
        image.save(buffer, "JPEG")
        path = folder / f"class {number % CLASSES:03d}" / f"{number:07d}.jpg"
        path.write_bytes(buffer.getvalue())


def paths(folder: Path) -> list[Path]:
    """The files, in order."""
    return sorted(folder.glob("*/*.jpg"))
