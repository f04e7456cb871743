"""The names of YOLO's classes: in data.yaml, or in a list such as classes.txt near the boxes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import yaml

from pipeline.datasets.dataset import DatasetError
from pipeline.ingest.layouts.cells import numbered_classes
from pipeline.ingest.layouts.class_names import class_names
from pipeline.ingest.text import decode_text
from pipeline.ingest.tree import File, FileTree

_USUAL = ("data", "dataset")  # stems of the YAML files that come before others


class NamesFile(NamedTuple):
    """A file with names of classes by number."""

    file: File
    names: dict[int, str]


class YoloNames:
    """Names of classes for every file with boxes, and what is to be said about them."""

    def __init__(self, tree: FileTree, numbers: Mapping[File, Sequence[int]]) -> None:
        """Find the names.

        Args:
            tree: tree where they are looked for.
            numbers: numbers of the classes in each file with boxes.

        Raises:
            DatasetError: a file of names is damaged or names too few, or two of them differ and
                nothing tells which is meant.
        """
        self.warnings: list[str] = []
        highest = max((number for of in numbers.values() for number in of), default=-1)
        self._numbered = dict(enumerate(numbered_classes(highest + 1)))
        self._sources = _from_yaml(tree, self.warnings) or _from_lists(tree)
        if self._sources:
            self.warnings.clear()  # files of settings, as training leaves them, are no names
        self._of: dict[str, NamesFile] = {}
        for file, of in numbers.items():
            if self._sources and of:
                source = self._of.setdefault(file.folder, _nearest(self._sources, file))
                _check(source, of, highest)

    @property
    def files(self) -> list[File]:
        """The files that the names are from."""
        return [source.file for source in self._sources]

    def of(self, file: File, numbers: Sequence[int]) -> tuple[str, ...]:
        """Names of classes that a file has, in the order of their numbers."""
        source = self._of.get(file.folder)
        names = source.names if source else self._numbered
        return tuple(dict.fromkeys(names[number] for number in sorted(numbers)))


def _from_yaml(tree: FileTree, warnings: list[str]) -> list[NamesFile]:
    """YAML files with names: the usual ones, or else all.

    Raises:
        DatasetError: none can be used, since one is damaged.
    """
    files, errors = [], []
    for file in tree.files:
        if file.suffix not in (".yaml", ".yml"):
            continue
        try:
            # Texts as they are written: YAML would make booleans of the names `no` and `yes`.
            document = yaml.load(decode_text(file.read(), file.name).content, yaml.BaseLoader)
        except (yaml.YAMLError, RecursionError, ValueError) as error:
            reason = " ".join(str(error).split())
            errors.append(DatasetError(f"{file.name} is no readable YAML ({reason})"))
            continue
        names = document.get("names") if isinstance(document, dict) else None
        if _by_number(names):
            files.append(NamesFile(file, _by_number(names)))
        elif names:
            warnings.append(
                f"{file.name} is not used: its names are {str(names)[:40]!r}, not a list or map of "
                "class names"
            )
    if not files and errors:
        raise errors[0]
    return [names_file for names_file in files if names_file.file.stem.lower() in _USUAL] or files


def _by_number(names: Any) -> dict[int, str]:
    """Names by number, of a list or a map in either direction; empty for anything else."""
    if isinstance(names, list):
        names = {str(number): name for number, name in enumerate(names)}
    if not isinstance(names, dict) or not all(isinstance(name, str) for name in names.values()):
        return {}
    if all(str(key).isdecimal() for key in names):
        return {int(key): name for key, name in names.items()}
    is_turned = all(name.isdecimal() for name in names.values())
    return {int(number): str(name) for name, number in names.items()} if is_turned else {}


def _from_lists(tree: FileTree) -> list[NamesFile]:
    listed = (class_names(FileTree(tree.name, (file,))) for file in tree.files)
    return [
        NamesFile(names_file.file, names_file.names)
        for names_file in listed
        if names_file.file is not None
    ]


def _nearest(sources: Sequence[NamesFile], file: File) -> NamesFile:
    """The names in the folder of a file with boxes, or in the nearest folder above.

    Raises:
        DatasetError: there are no such, and those elsewhere differ.
    """
    above = [source for source in sources if f"{file.folder}/".startswith(_prefix(source.file))]
    depth = max((len(source.file.parts) for source in above), default=0)
    near = [source for source in above if len(source.file.parts) == depth] or list(sources)
    other = next((source for source in near if source.names != near[0].names), None)
    if other is not None:
        raise DatasetError(
            f"{near[0].file.name} and {other.file.name} name classes differently, and nothing "
            f"tells which of them {file.name} means; leave one, or put each beside its boxes"
        )
    return near[0]


def _prefix(file: File) -> str:
    return f"{file.folder}/" if file.folder else ""


def _check(source: NamesFile, numbers: Sequence[int], highest: int) -> None:
    if not source.names.keys() >= {*numbers}:
        n = len([number for number in source.names if number <= highest])
        raise DatasetError(f"{source.file.name} names {n} of {highest + 1} classes")
