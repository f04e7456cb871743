"""Records of one file: several rows about it are joined, names that only fall on it are refused."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain

from pipeline.datasets.problems import Problem
from pipeline.ingest.layouts.records import Record

_RARE = 0.1  # a larger share of images with several rows is how the table is made


@dataclass(frozen=True)
class Joined:
    """One record for each file, by name, and what is to be said.

    `doubt` says why somebody has to look before it is taken.
    """

    records: list[Record]
    problems: list[Problem]
    notes: list[str]
    warnings: list[str]
    doubt: str = ""


def join_records(records: Sequence[Record]) -> Joined:
    """Join the records of each file.

    A file that is named in several rows has the labels of all of them. Where different names
    fall on one file and their labels differ, the rows that name it in full are taken; without
    such, none is, since nothing tells which is meant.
    """
    of_file: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        of_file[record.file.name].append(record)
    made = Joined([], [], [], [])
    differing: dict[str, list[str]] = {}
    n_joined = 0
    for name, several in sorted(of_file.items()):
        kept = several if len(several) == 1 else _meant(name, several, made.problems)
        if not kept:
            continue
        made.records.append(_one(kept, made.problems))
        n_joined += len(kept) > 1
        if len({str(record.labels) for record in kept}) > 1:
            differing[name] = [_shown(record) for record in kept]
    _say_differing(made, differing, len(of_file), n_joined)
    return replace(made, doubt=_contradiction(of_file))


def _say_differing(
    made: Joined, differing: dict[str, list[str]], n_files: int, n_joined: int
) -> None:
    """Say of files that have several rows with different labels: each of a few, or how many."""
    if not differing:
        return
    if len(differing) > _RARE * n_files + 1:
        made.notes.append(f"images with several rows have the labels of all: {n_joined:,}")
        return
    made.problems.extend(
        Problem(
            name,
            f"named {len(labels)} times with different labels ({'; '.join(labels)}); "
            "it has all of them",
            "noted",
            "conflict",
        )
        for name, labels in differing.items()
    )
    made.warnings.append(
        "images named several times with different labels have all of them: "
        f"{len(differing):,}, such as {next(iter(differing))}"
    )


def _contradiction(of_file: dict[str, list[Record]]) -> str:
    """Two label files that give the same images different labels in the same set."""
    pairs: Counter[tuple[str, str]] = Counter()
    for records in of_file.values():
        by_source = {record.source: record for record in records}
        if len(by_source) == 2 == len(records):
            record, other = (by_source[name] for name in sorted(by_source))
            shared = [
                name for name in record.labels if record.labels[name] and other.labels.get(name)
            ]
            pairs[record.source, other.source] += any(
                not (
                    set(record.labels[name]) <= set(other.labels[name])
                    or set(record.labels[name]) >= set(other.labels[name])
                )
                for name in shared
            )
    worst = next(((files, n) for files, n in pairs.most_common(1) if n), None)
    if worst is None:
        return ""
    (first, second), n = worst
    return f"{first} and {second} give the same images different labels: {n:,}"


def _meant(name: str, records: list[Record], problems: list[Problem]) -> list[Record]:
    """The records that mean the file itself."""
    written = Counter(_path(record) for record in records)
    if len(written) == 1 or len({(str(r.labels), r.split) for r in records}) == 1:
        return records
    whole = [record for record in records if f"/{name}".endswith(f"/{_path(record)}")]
    if not whole:
        names = " and ".join(list(written)[:3])
        problems.append(Problem(name, f"{names} fall on this file with different labels"))
        return []
    for path in written:
        if all(path != _path(record) for record in whole):
            problems.append(Problem(path, f"not there; falls on {name}, which is named itself"))
    return whole


def _one(records: Sequence[Record], problems: list[Problem]) -> Record:
    """One record of several; a query that is also in the database is a leak, and noted."""
    first = records[0]
    splits = list(dict.fromkeys(record.split for record in records if record.split))
    if "query" in splits and len(splits) > 1:
        other = next(split for split in splits if split != "query")
        reason = f"named as query and as {other}; kept as {splits[0]}"
        problems.append(Problem(first.file.name, reason, "noted", "leak"))
    labels = {
        name: tuple(dict.fromkeys(chain(*(r.labels.get(name, ()) for r in records))))
        for name in dict.fromkeys(chain(*(record.labels for record in records)))
    }
    return replace(first, labels=labels, split=splits[0] if splits else "")


def _path(record: Record) -> str:
    """The written name, as a path of the tree would be written."""
    parts = record.named.replace("\\", "/").split("/") if record.named else [record.file.name]
    return "/".join(part for part in parts if part not in ("", "."))


def _shown(record: Record) -> str:
    return ", ".join(chain(*record.labels.values())) or "none"
