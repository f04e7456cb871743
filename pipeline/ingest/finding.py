"""Which file a label file means by a name, written as people and their programs write names."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote

from pipeline.datasets.problems import Problem
from pipeline.images import SUFFIXES

if TYPE_CHECKING:
    from pipeline.ingest.tree import File, FileTree

_Key = Callable[[str], str]
_UPLOADED = re.compile(r"[0-9a-f]{8}-(?=.)")
_LONGEST_NUMBER = 18  # digits
_MOST_ALIKE = 1000  # files of one name that are told apart by their folders


class Match(NamedTuple):
    """A file, and what had to be done to find it by its name; empty for nothing."""

    file: File
    how: str = ""


class NameIndex:
    """The files of a tree by name."""

    def __init__(self, files: Sequence[File]) -> None:
        self._files = files
        self._names: dict[_Key, dict[str, File | None]] = {}
        self._tails: dict[_Key, dict[str, list[File]]] = {}

    def find(self, name: str, base: str = "") -> Match | None:
        """The one file that is meant by `name`; None for none or several.

        The name is looked up as it is, then with composed accents, then percent-decoded, then
        whatever the case of its suffix. Label files are often written elsewhere: leading folders
        that are not there are passed over, so that `/data/coco/train/1.jpg` finds `train/1.jpg`.
        The name alone is enough when only one file is called so and its folder is not there.
        Only where all of this finds nothing, the name is taken as another program may have changed
        it: with plus signs for blanks, a mark of the upload in front, another suffix.

        Args:
            name: relative or absolute, with slashes of any kind; the suffix may be missing. `..`
                leads up from `base`, at most to the top of the tree.
            base: folder of the label file, tried first.
        """
        plain = _without_query(name).replace("\\", "/")
        parts = [part for part in plain.split("/") if part not in ("", ".")]
        if ".." in parts:
            parts, base = _resolved([*filter(None, base.split("/")), *parts]), ""
        if not parts:
            return None
        return self._found(list(_ways(parts)), base) or self._found(list(_loose(parts)), base)

    def by_number(self, name: str) -> Match | None:
        """The only image whose name is the number `name`, up to zeros in front: `7` is `0007.png`.

        Numbers stand for other things too, so that this is not part of `find`.
        """
        number = re.fullmatch(r"0*(\d{1,18})(?:\.0+)?", name.strip(), re.ASCII)
        alike = self._by_number.get(int(number[1]), []) if number else []
        return Match(alike[0], _NUMBER) if len(alike) == 1 else None

    def _found(self, ways: Sequence[tuple[str, list[str]]], base: str) -> Match | None:
        for how, written in ways:
            file = self._in_place(written, base, how)
            if file is not None:
                return Match(file, how)
        for how, written in ways:
            file = self._by_end(written, how)
            if file is not None:
                by_end = "by the end of the path" if len(written) > 1 else ""
                return Match(file, how or by_end)
        return None

    def _in_place(self, parts: Sequence[str], base: str, how: str) -> File | None:
        """A file at the path, below the label file or the tree, or at one of its ends."""
        places = ["/".join([*filter(None, base.split("/")), *parts])]
        ends = range(max(len(parts) - 1, 1))  # a name alone is looked for everywhere
        places += ["/".join(parts[start:]) for start in ends]
        by_name = self._by_name(how)
        suffixes = ("",) if "." in parts[-1] else ("", *SUFFIXES)
        names = (place + suffix for suffix in suffixes for place in places)
        return next((f for f in map(by_name.get, names) if f is not None), None)

    def _by_end(self, parts: Sequence[str], how: str) -> File | None:
        """The file whose path agrees longest from the end, when there is just one."""
        alike = self._by_tail(how).get(parts[-1]) or self._by_stem.get(parts[-1], [])
        if len(alike) > _MOST_ALIKE:
            return None
        common = [_n_common(parts[:-1], file.parts[:-1]) for file in alike]
        best = max(common, default=0)
        if common.count(best) != 1:
            return None
        is_elsewhere = best == 0 and len(parts) > 1 and parts[-2] in self._folders
        return None if is_elsewhere else alike[common.index(best)]

    def _by_name(self, how: str) -> dict[str, File | None]:
        key = _KEYS[how]
        if key not in self._names:
            self._names[key] = _unique(key, self._files)
        return self._names[key]

    def _by_tail(self, how: str) -> dict[str, list[File]]:
        key = _KEYS[how]
        if key not in self._tails:
            by_tail = defaultdict(list)
            for file in self._files:
                by_tail[key(file.parts[-1])].append(file)
            self._tails[key] = dict(by_tail)
        return self._tails[key]

    @cached_property
    def _by_stem(self) -> dict[str, list[File]]:
        by_stem = defaultdict(list)
        for file in self._files:
            if file.suffix in SUFFIXES:
                by_stem[file.stem].append(file)
        return dict(by_stem)

    @cached_property
    def _by_number(self) -> dict[int, list[File]]:
        by_number = defaultdict(list)
        for stem, files in self._by_stem.items():
            if stem.isascii() and stem.isdigit() and len(stem) <= _LONGEST_NUMBER:
                by_number[int(stem)].extend(files)
        return dict(by_number)

    @cached_property
    def _folders(self) -> frozenset[str]:
        return frozenset(part for file in self._files for part in file.parts[:-1])


class Finder:
    """Finder of the images that label files name; it counts how, and lists missing ones."""

    def __init__(self, tree: FileTree) -> None:
        self._tree = tree
        self._how: Counter[str] = Counter()
        self.problems: list[Problem] = []

    def find(self, name: str, label_file: File) -> Match | None:
        """Find a file as `NameIndex.find` does, from the folder of a label file, or by its number.

        Of several files of a name, the one in data/ or images/ beside the label file, or in the
        folder that is called as the label file, is meant. A name without file is listed.
        """
        names, base = self._tree.names, label_file.folder
        near = (f"{folder}/{name}" for folder in ("data", "images", label_file.stem))
        match = next(filter(None, (names.find(spelling, base) for spelling in (name, *near))), None)
        match = match or names.by_number(name)
        if match is None:
            self.problems.append(Problem(name, f"named in {label_file.name}, not there"))
        elif match.how:
            self._how[match.how] += 1
        return match

    @property
    def notes(self) -> list[str]:
        """Notes on how names were found that are not files as they stand."""
        return [f"{n:,} names found {how}" for how, n in self._how.most_common()]


def suffix_of(name: str) -> str:
    """The suffix of a file name with its dot, as `PurePosixPath.suffix`, for millions of names."""
    tail = name.rpartition("/")[2]
    place = tail.rfind(".")
    return tail[place:] if 0 < place < len(tail) - 1 else ""


def _without_query(name: str) -> str:
    """The path in a web address; Label Studio gives local files as `.../?d=folder/1.jpg`."""
    if "?d=" in name:
        return name.rsplit("?d=", 1)[1]
    return name.split("?", 1)[0] if "://" in name else name


def _same(name: str) -> str:
    return name


def _composed(name: str) -> str:
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def _lower_suffix(name: str) -> str:
    suffix = suffix_of(name)
    return _composed(name.removesuffix(suffix) + suffix.lower())


def _image_stem(name: str) -> str:
    """An image's name without its suffix; what no label file writes for a file that is none."""
    suffix = suffix_of(name)
    is_image = suffix.lower() in SUFFIXES
    return _composed(name.removesuffix(suffix)) if is_image else f"{name}/"


def _resolved(parts: Sequence[str]) -> list[str]:
    """A path without `..`; what leads out of the tree is left out."""
    resolved: list[str] = []
    for part in parts:
        if part != "..":
            resolved.append(part)
        elif resolved:
            resolved.pop()
    return resolved


_ACCENTS = "with composed accents (NFC)"
_PERCENT = "percent-decoded"
_SUFFIX = "by another case of the suffix"
_PLUS = "with blanks for plus signs"
_UPLOAD = "without the mark of Label Studio's upload"
_OTHER_SUFFIX = "with another suffix"
_NUMBER = "by number"
_KEYS: dict[str, _Key] = {
    "": _same,
    _ACCENTS: _composed,
    _PERCENT: _composed,
    _SUFFIX: _lower_suffix,
    _PLUS: _lower_suffix,
    _UPLOAD: _lower_suffix,
    _OTHER_SUFFIX: _image_stem,
}


def _ways(parts: Sequence[str]) -> Iterable[tuple[str, list[str]]]:
    """Ways to write a name, each with what was done; those that change nothing are left out."""
    decoded = [unquote(part) for part in parts]
    yield "", list(parts)
    yield _ACCENTS, [_composed(part) for part in parts]
    if decoded != list(parts) and "/" not in "".join(decoded):
        yield _PERCENT, [_composed(part) for part in decoded]
    yield _SUFFIX, [*map(_composed, decoded[:-1]), _lower_suffix(decoded[-1])]


def _loose(parts: Sequence[str]) -> Iterable[tuple[str, list[str]]]:
    """Ways in which programs change a name, each undone."""
    decoded = [_composed(unquote(part)) for part in parts]
    above, name = decoded[:-1], decoded[-1]
    if any("+" in part for part in parts):
        blank = [_composed(unquote(part.replace("+", " "))) for part in parts]
        yield _PLUS, [*blank[:-1], _lower_suffix(blank[-1])]
    if _UPLOADED.match(name):
        yield _UPLOAD, [*above, _lower_suffix(_UPLOADED.sub("", name))]
    if suffix_of(name).lower() in SUFFIXES:
        yield _OTHER_SUFFIX, [*above, _image_stem(name)]


def _unique(key: _Key, files: Iterable[File]) -> dict[str, File | None]:
    """Files by the key of their names; None where several have it."""
    unique: dict[str, File | None] = {}
    for file in files:
        name = key(file.name)
        unique[name] = None if name in unique else file
    return unique


def _n_common(path: Sequence[str], other: Sequence[str]) -> int:
    """How many folders are equal, counted from the end."""
    n = 0
    for first, second in zip(reversed(path), reversed(other), strict=False):
        if first != second:
            break
        n += 1
    return n
