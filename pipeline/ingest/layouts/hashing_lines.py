"""The lines of a hashing list: a path and numbers of classes."""

from __future__ import annotations

import re
from typing import NamedTuple

from pipeline.datasets.dataset import DatasetError
from pipeline.ingest.text import decode_text
from pipeline.ingest.tree import File

_NUMBER = r"[-+]?\d{1,9}(?:\.0*)?"
_NUMBERS = re.compile(rf"(.*?)((?:[\s,;\[(]+{_NUMBER})+)[\s,;\])]*")
_MXNET = re.compile(rf"\d+\t((?:{_NUMBER}\t)+)(\S.*)")  # index, labels, path


class Line(NamedTuple):
    """One line that names an image, with its number in the file."""

    number: int
    path: str
    numbers: tuple[int, ...]


class HashingList(NamedTuple):
    """The lines of a file, and the numbers of those that name no image."""

    file: File
    lines: tuple[Line, ...]
    bad: tuple[int, ...]
    header: tuple[str, ...] = ()  # words of the line above the first, which may name classes


def parse_list(file: File, encoding: str) -> HashingList | None:
    """The lines of a list; None when the file is something else."""
    lines, bad = [], []
    header: tuple[str, ...] = ()
    try:
        text = decode_text(file.read(), file.name, encoding).content
    except (DatasetError, OSError):
        return None
    for number, words in enumerate(text.splitlines(), 1):
        line = _line(number, words.strip())
        if line is not None:
            lines.append(line)
        elif words.strip():
            bad.append(number)
            header = header if lines else tuple(words.split())
    if len(lines) <= len(bad):
        return None
    if len(header) == len(lines[0].numbers) > 1:  # as CelebA has it, below a count
        bad = [number for number in bad if number > lines[0].number]
        return HashingList(file, tuple(lines), tuple(bad), header)
    return HashingList(file, tuple(lines), tuple(bad))


def _line(number: int, words: str) -> Line | None:
    """A path with numbers behind it, or as MXNet has it before it; None for any other line."""
    mxnet, plain = _MXNET.fullmatch(words), _NUMBERS.fullmatch(words)
    if mxnet:
        path, text = mxnet[2], mxnet[1]
    elif plain and plain[1]:
        path, text = plain[1].strip("\"'"), plain[2]
    else:
        return None
    numbers = tuple(int(float(word)) for word in re.findall(_NUMBER, text))
    return Line(number, path, numbers) if min(numbers) >= -1 else None
