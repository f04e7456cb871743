"""ImportRequest: everything about one import in one value; command line and page both make it."""

from __future__ import annotations

import shlex

from pydantic import BaseModel, ConfigDict, Field

from pipeline.datasets.split_choice import SplitChoice
from pipeline.ingest.layouts.reading import ReadOptions
from pipeline.ingest.sources import list_sources


class ImportRequest(BaseModel):
    """What to import and how.

    Attributes:
        source: a source's name, or the path of a folder, archive or table.
        link_roots: folders below which symbolic links may point; empty: anywhere.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str = Field(min_length=1)
    name: str = ""
    title: str = ""
    images: str = ""
    into: str = Field("", description="Add to this data set instead of making one.")
    link: bool = False
    link_roots: tuple[str, ...] = ()
    variants: bool = False
    again: bool = False
    yes: bool = Field(False, description="Import although label files would not be used.")
    reading: ReadOptions = ReadOptions()
    split: SplitChoice = SplitChoice()

    @property
    def is_built_in(self) -> bool:
        """Whether the source is known by name and needs no path."""
        return self.source in list_sources() and self.source != "folder"

    def command(self) -> str:
        """The command line that does the same."""
        words = ["python", "-m", "pipeline", "datasets", "import", self.source]
        options: list[tuple[str, object]] = [
            ("--name", self.name),
            ("--title", self.title),
            ("--images", self.images),
            ("--into", self.into),
            ("--format", self.reading.layout.replace("_", "-")),
            ("--path-column", self.reading.path_column),
            *(("--label-column", column) for column in self.reading.label_columns),
            ("--split-column", self.reading.split_column),
            ("--text-column", self.reading.text_column),
            ("--separator", self.reading.separator),
            ("--encoding", self.reading.encoding),
            ("--class-level", self.reading.class_level),
            ("--split", self.split.how),
            ("--queries", self.split.queries),
            ("--train", self.split.train),
            ("--seed", self.split.seed),
        ]
        usual = {"--class-level": 1, "--queries": 0.2, "--train": 1.0, "--seed": 0}
        for option, value in options:
            if value not in ("", usual.get(option)):
                words += [option, str(value)]
        flags = (
            ("--header", self.reading.header == "yes"),
            ("--no-header", self.reading.header == "no"),
            ("--link", self.link),
            ("--variants", self.variants),
            ("--again", self.again),
            ("--yes", self.yes),
        )
        words += [flag for flag, is_set in flags if is_set]
        return shlex.join(words)
