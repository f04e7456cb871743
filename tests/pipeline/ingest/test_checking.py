"""checked_images: in order and with the same rows, whether threads decode or not."""

from __future__ import annotations

import io
from threading import current_thread, main_thread

import numpy as np
import pytest
from PIL import Image

from pipeline.ingest import checking
from pipeline.ingest.checking import checked_images
from pipeline.ingest.source import Item


def noise(seed: int) -> bytes:
    """A PNG of some 100 kB."""
    pixels = np.random.default_rng(seed).integers(0, 256, (180, 180, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


CONTENTS = [*map(noise, range(8)), noise(2), noise(9)[:50_000], b"no image", noise(10)]


def unreadable() -> bytes:
    raise PermissionError(13, "Permission denied")


def items(contents: list[bytes]) -> list[Item]:
    readable = [Item(f"{n}.png", lambda c=c: c, {}) for n, c in enumerate(contents)]
    return [*readable, Item("locked.png", unreadable, {})]


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("large", [0, 1 << 20])
def test_the_same_images_are_taken_in_the_same_order(
    threads: int, large: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checking, "_LARGE", large)

    checked = list(checked_images(items(CONTENTS), {}, threads))

    assert [one.item.image_id for one in checked] == [one.image_id for one in items(CONTENTS)]
    problems = {one.row["image_id"]: one.row["problem"] for one in checked if not one.decoded}
    assert problems["8.png"] == "same content as 2.png; kept once"
    assert "Permission denied" in problems["locked.png"]
    assert list(problems) == ["8.png", "9.png", "10.png", "locked.png"]
    taken = [one for one in checked if one.decoded]
    assert [one.content for one in taken] == [*map(noise, range(8)), noise(10)]
    assert {one.row["width"] for one in taken} == {180}


def test_threads_decode_large_files_only_and_few_images_are_held(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    decoded, in_threads = checking.decode, []

    def noted(content: bytes):
        in_threads.append(current_thread() is not main_thread())
        return decoded(content)

    monkeypatch.setattr(checking, "decode", noted)
    small = Image.new("RGB", (4, 4), "red")
    file = io.BytesIO()
    small.save(file, "PNG")
    read: list[int] = []
    many = [Item(f"{n}", lambda n=n: read.append(n) or noise(n), {}) for n in range(1, 20)]

    coming = checked_images([Item("small", file.getvalue, {}), *many], {}, 2)
    next(coming)
    assert (read, in_threads) == ([], [False])
    next(coming)
    assert len(read) <= 1 + 2 * checking._AHEAD
    list(coming)

    assert in_threads == [False] + [True] * 19
