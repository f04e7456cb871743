"""Verdicts: what people say about queries and results, beside the labels they may correct.

    verdicts/<data set>/<label set>.jsonl   a verdict a line, appended; the last of a pair counts

Images are named by the SHA-256 of their bytes, so verdicts outlive runs, and a data set that is
imported again gets them back. A line that a kill has torn is passed over. Judging rounds keep their
verdicts in the same files: each judge has the last word on a pair within a round, and what is said
outside of rounds has neither judge nor round.
"""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import pandas as pd
from filelock import FileLock
from pydantic import BaseModel, ConfigDict, Field

from pipeline.datasets.dataset import NAME_PATTERN, RetrievalDataset
from pipeline.settings import Settings

Word = Literal[
    "relevant",  # of a result: it does belong to the query, whatever the labels say
    "not relevant",
    "model error",  # of a query, after a review of its failure
    "label error",
    "acceptable",
    "unsure",
    "withdrawn",  # takes back what was said before
]
Pair = tuple[str, str]
_SHA256 = r"^[0-9a-f]{64}$"


class Verdict(BaseModel):
    """Verdict of a person on a query, or on one of its results.

    Attributes:
        query: SHA-256 of the query image.
        result: SHA-256 of the image found; empty: about the query itself.
        verdict: verdict in a word.
        note: remark in free words.
        run: the run it was found with; empty when none was looked at.
        time: ISO 8601, UTC.
        round: id of the judging round; empty outside of rounds.
        judge: name of who judged in the round.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    query: str = Field(pattern=_SHA256)
    result: str = Field("", pattern=r"^([0-9a-f]{64})?$")
    verdict: Word
    note: str = Field("", max_length=2000)
    run: str = ""
    time: str = ""
    round: str = Field("", max_length=40)
    judge: str = Field("", max_length=40)


@dataclass(frozen=True)
class Verdicts:
    """The verdicts on one label set of a data set; safe for several processes."""

    path: Path

    @classmethod
    def of(cls, dataset: str, label_set: str, settings: Settings) -> Verdicts:
        """Open the verdicts on a data set's label set, in the library; there may be none so far.

        Args:
            dataset: name of the data set.
            label_set: name of the label set; empty: on images without labels.
            settings: where the library is.

        Raises:
            ValueError: the data set's name is none.
        """
        if not re.fullmatch(NAME_PATTERN, dataset):
            raise ValueError(f"{dataset!r} is no name of a data set")
        plain = re.sub(r"[^a-z0-9]+", "-", label_set.lower())[:40]
        digest = hashlib.sha256(label_set.encode()).hexdigest()[:8]
        return cls(settings.home / "verdicts" / dataset / f"{plain}-{digest}.jsonl")

    def set_verdict(
        self,
        query: str,
        result: str,
        verdict: Word,
        note: str = "",
        run: str = "",
        *,
        round_id: str = "",
        judge: str = "",
    ) -> Verdict:
        """Store a verdict; it replaces the one on the same pair by the same judge of the round.

        Raises:
            ValueError: query or result is no SHA-256, or the word is none of `Word`.
            OSError: it cannot be stored.
        """
        now = datetime.now(UTC).isoformat(timespec="seconds")
        entry = Verdict(
            query=query,
            result=result,
            verdict=verdict,
            note=note,
            run=run,
            time=now,
            round=round_id,
            judge=judge,
        )
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(self.path.with_suffix(".lock")), self.path.open("ab+") as file:
            # Earlier versions refuse fields that they do not know: outside of rounds none is added.
            line = entry.model_dump_json(exclude_defaults=True).encode() + b"\n"
            file.write(b"\n" * self._is_torn() + line)  # one write: readers see all of it or none
            file.flush()
            os.fsync(file.fileno())
        return entry

    def withdraw_verdict(
        self, query: str, result: str = "", *, round_id: str = "", judge: str = ""
    ) -> None:
        """Withdraw the verdict on a pair."""
        self.set_verdict(query, result, "withdrawn", round_id=round_id, judge=judge)

    def current(self) -> dict[Pair, Verdict]:
        """Verdicts outside of rounds that hold now, by (query, result), as they were given."""
        return self.of_round("").get("", {})

    def of_round(self, round_id: str) -> dict[str, dict[Pair, Verdict]]:
        """Verdicts of a round that hold now, by judge and (query, result), as they were given."""
        judges: dict[str, dict[Pair, Verdict]] = {}
        for entry in self._holding():
            if entry.round == round_id:
                judges.setdefault(entry.judge, {})[entry.query, entry.result] = entry
        return judges

    def history(self) -> list[Verdict]:
        """All verdicts ever given, oldest first."""
        entries = []
        for line in self.path.read_bytes().splitlines() if self.path.exists() else ():
            try:
                entries.append(Verdict.model_validate_json(line))
            except ValueError:
                continue
        return entries

    def table(self) -> pd.DataFrame:
        """Verdicts that hold now, a row per verdict; columns as the attributes of `Verdict`."""
        rows = [entry.model_dump() for entry in self._holding()]
        return pd.DataFrame(rows, columns=list(Verdict.model_fields))

    def _holding(self) -> list[Verdict]:
        """The last verdict of each round and judge on each pair, unless it was withdrawn."""
        last: dict[tuple[str, str, str, str], Verdict] = {}
        for entry in self.history():
            key = (entry.round, entry.judge, entry.query, entry.result)
            last.pop(key, None)
            last[key] = entry
        return [entry for entry in last.values() if entry.verdict != "withdrawn"]

    def _is_torn(self) -> bool:
        """Whether the last line has no end: its writer was killed."""
        return self.path.stat().st_size > 0 and self.path.read_bytes()[-1:] != b"\n"


def verdict_table(dataset: RetrievalDataset, settings: Settings) -> pd.DataFrame:
    """The verdicts on a data set, by all label sets and by none, with the names of the images.

    Columns labels, query_image, result_image, then the attributes of `Verdict`. Images that the
    data set no longer has, and uploads, have no name.
    """
    parts = [
        Verdicts.of(dataset.info.name, labels, settings).table().assign(labels=labels)
        for labels in ("", *(labels.name for labels in dataset.info.label_sets))
    ]
    columns = ["labels", "query_image", "result_image", *Verdict.model_fields]
    table = pd.concat(parts, ignore_index=True)
    digests = dataset.manifest["sha256"]
    is_judged = digests.isin([*table["query"], *table["result"]])
    judged = dataset.manifest.loc[is_judged, "image_id"]
    names = dict(zip(digests[is_judged], judged, strict=True))
    table = table.assign(
        query_image=[names.get(sha256, "") for sha256 in table["query"]],
        result_image=[names.get(sha256, "") for sha256 in table["result"]],
    )
    return table[columns]
