"""Which file a label file means by a name, written as people and their programs write names."""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote

from pipeline.datasets.problems import Problem
from pipeline.images import SUFFIXES

if TYPE_CHECKING:
    from pipeline.datasets.tree import File, FileTree

_MOST_ALIKE = 1000  # files of one name that are told apart by their folders


class Match(NamedTuple):
    """A file, and what had to be done to find it by its name; empty for nothing."""

    file: File
    how: str = ""


class NameIndex:
    """The files of a tree by name."""

    def __init__(self, files: Sequence[File]) -> None:
        self._files = files

    def find(self, name: str, base: str = "") -> Match | None:
        """The one file that is meant by `name`; None for none or several.

        The name is looked up as it is, then with composed accents, then percent-decoded, then
        whatever the case of its suffix. Label files are often written elsewhere: leading folders
        that are not there are passed over, so that `/data/coco/train/1.jpg` finds `train/1.jpg`.
        The name alone is enough when only one file is called so and its folder is not there.

        Args:
            name: relative or absolute, with slashes of any kind; the suffix may be missing.
            base: folder of the label file, tried first.
        """
        plain = _without_query(name).replace("\\", "/")
        parts = [part for part in plain.split("/") if part not in ("", ".")]
        if not parts or ".." in parts:
            return None
        for how, written in _ways(parts):
            found = self._in_place(written, base, how)
            if found is not None:
                return Match(found, how)
        for how, written in _ways(parts):
            found = self._by_end(written, how)
            if found is not None:
                return Match(found, how or ("by the end of the path" if len(parts) > 1 else ""))
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
        return self._names[_KEYS[how]]

    def _by_tail(self, how: str) -> dict[str, list[File]]:
        return self._tails[_KEYS[how]]

    @cached_property
    def _names(self) -> dict[Callable[[str], str], dict[str, File | None]]:
        return {key: _unique(key, self._files) for key in set(_KEYS.values())}

    @cached_property
    def _tails(self) -> dict[Callable[[str], str], dict[str, list[File]]]:
        tails: dict[Callable[[str], str], dict[str, list[File]]] = {}
        for key in set(_KEYS.values()):
            found = defaultdict(list)
            for file in self._files:
                found[key(file.parts[-1])].append(file)
            tails[key] = dict(found)
        return tails

    @cached_property
    def _by_stem(self) -> dict[str, list[File]]:
        found = defaultdict(list)
        for file in self._files:
            if file.suffix in SUFFIXES:
                found[file.stem].append(file)
        return dict(found)

    @cached_property
    def _folders(self) -> frozenset[str]:
        return frozenset(part for file in self._files for part in file.parts[:-1])


class Finder:
    """Looks up what label files name, counts how, and lists what is not there."""

    def __init__(self, tree: FileTree) -> None:
        self._tree = tree
        self._how: Counter[str] = Counter()
        self.problems: list[Problem] = []

    def find(self, name: str, label_file: File) -> Match | None:
        """As `NameIndex.find`, from the folder of a label file; a name without file is listed."""
        found = self._tree.names.find(name, label_file.folder)
        if found is None:
            self.problems.append(Problem(name, f"named in {label_file.name}, not there"))
        elif found.how:
            self._how[found.how] += 1
        return found

    @property
    def notes(self) -> list[str]:
        """How the names were found that are not files as they stand."""
        return [f"{n:,} names found {how}" for how, n in self._how.most_common()]


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
    suffix = PurePosixPath(name).suffix
    return _composed(name.removesuffix(suffix) + suffix.lower())


_ACCENTS, _PERCENT, _SUFFIX = (
    "with composed accents (NFC)",
    "percent-decoded",
    "by another case of the suffix",
)
_KEYS = {"": _same, _ACCENTS: _composed, _PERCENT: _composed, _SUFFIX: _lower_suffix}


def _ways(parts: Sequence[str]) -> Iterable[tuple[str, list[str]]]:
    """Ways to write a name, each with what was done; those that change nothing are left out."""
    decoded = [unquote(part) for part in parts]
    yield "", list(parts)
    yield _ACCENTS, [_composed(part) for part in parts]
    if decoded != list(parts) and "/" not in "".join(decoded):
        yield _PERCENT, [_composed(part) for part in decoded]
    yield _SUFFIX, [*map(_composed, decoded[:-1]), _lower_suffix(decoded[-1])]


def _unique(key: Callable[[str], str], files: Iterable[File]) -> dict[str, File | None]:
    """Files by the key of their names; None where several have it."""
    found: dict[str, File | None] = {}
    for file in files:
        name = key(file.name)
        found[name] = None if name in found else file
    return found


def _n_common(one: Sequence[str], other: Sequence[str]) -> int:
    """How many folders are equal, counted from the end."""
    n = 0
    for first, second in zip(reversed(one), reversed(other), strict=False):
        if first != second:
            break
        n += 1
    return n
