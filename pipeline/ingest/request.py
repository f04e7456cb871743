"""ImportRequest: everything about one import in one value; command line and page both make it."""

from __future__ import annotations

import shlex
from functools import reduce
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from pipeline.datasets.split_choice import SplitChoice
from pipeline.ingest.layouts.reading import ReadOptions
from pipeline.ingest.sources import list_sources
from pipeline.options import OPTION, options


class ImportRequest(BaseModel):
    """What to import and how; its fields are the options of `datasets import`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str = Field(
        min_length=1, description="A source name, a folder, archive or table, or hf://USER/NAME."
    )
    name: str = Field("", description="Name in the library.")
    title: str = Field("", description="Title for people.")
    images: str = Field("", description="Folder of the images, for a table elsewhere.")
    into: str = Field("", description="Add the images to this data set instead of making one.")
    link: bool = Field(False, description="Refer to the files instead of copying.")
    link_roots: tuple[str, ...] = Field(
        (),
        description="Folders below which symbolic links may point; empty: anywhere.",
        json_schema_extra={OPTION: None},
    )
    variants: bool = Field(False, description="openmoji: skin-tone variants too.")
    again: bool = Field(False, description="Even if the content is here already.")
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
        for option in options(ImportRequest):
            if option.path != ("source",):
                words += option.words(reduce(_field, option.path, self))
        return shlex.join(words)


def _field(of: Any, name: str) -> Any:
    return getattr(of, name)
