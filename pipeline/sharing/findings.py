"""What a report says, for the head of a shared search."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from pipeline.settings import Settings
from pipeline.wording import sentence


class Entry(BaseModel):
    """One entry of a report in words; its pictures and numbers stay in the report."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    title: str = ""
    finding: str = ""
    note: str = ""


class Findings(BaseModel):
    """A report in words.

    Attributes:
        title: of the report.
        author: who wrote it.
        finding: what it says, in a few sentences.
        items: its entries, in order.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    title: str = ""
    author: str = ""
    finding: str = Field("", validation_alias=AliasChoices("finding", "summary"))
    items: tuple[Entry, ...] = ()

    @property
    def told(self) -> tuple[Entry, ...]:
        """The entries that say something."""
        return tuple(item for item in self.items if item.finding or item.note)


def read_findings(dataset: str, settings: Settings) -> Findings:
    """What the report of a data set says that was changed last; nothing where there is none.

    Raises:
        ValueError: its file is damaged.
    """
    names = f"{dataset}.json", f"{dataset}.{'[0-9a-f]' * 12}.json"
    paths = [path for name in names for path in (settings.home / "reports").glob(name)]
    if not paths:
        return Findings()
    return _parsed(max(paths, key=lambda path: path.stat().st_mtime_ns))


def _parsed(path: Path) -> Findings:
    try:
        return Findings.model_validate(json.loads(path.read_bytes()))
    except ValueError as error:
        raise ValueError(
            f"the report {path} cannot be read ({sentence(error)}); share without it: --no-findings"
        ) from error
