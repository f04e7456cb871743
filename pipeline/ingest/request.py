"""ImportRequest: everything about one import in one value; command line and page both make it."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from pipeline.datasets.dataset import DatasetError, RetrievalDataset, load_dataset
from pipeline.datasets.split_choice import SplitChoice
from pipeline.ingest.add_images import add_images
from pipeline.ingest.dry_run import Plan, make_plan
from pipeline.ingest.ingest import import_dataset
from pipeline.ingest.layouts.reading import ReadOptions
from pipeline.ingest.source import Progress, ignore_progress
from pipeline.ingest.sources import SourceRequest, list_sources, open_source
from pipeline.ingest.sources.folder import Opened, open_files
from pipeline.settings import Settings


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


def open_request(request: ImportRequest, settings: Settings) -> Opened:
    """The source of a request, and how it was understood.

    Raises:
        DatasetError: it cannot be had or read; the message says what to do.
    """
    asked = SourceRequest(
        name=request.name,
        path=None if request.is_built_in else Path(request.source),
        images=Path(request.images) if request.images else None,
        reading=request.reading,
        link_roots=tuple(map(Path, request.link_roots)),
        downloads=settings.home / "downloads",
        variants=request.variants,
    )
    if request.is_built_in:
        opened = Opened(open_source(request.source, asked))
    else:
        opened = open_files(asked)
    if not request.title:
        return opened
    return replace(opened, source=replace(opened.source, title=request.title))


def plan_import(
    request: ImportRequest, settings: Settings, on_progress: Progress = ignore_progress
) -> Plan:
    """The dry run of a request; nothing is stored.

    Raises:
        DatasetError: as for `open_request` and `make_plan`.
    """
    opened = open_request(request, settings)
    return make_plan(
        opened.source,
        settings,
        split=request.split,
        into=load_dataset(request.into, settings) if request.into else None,
        guesses=opened.guesses,
        columns=opened.columns,
        reading=opened.reading,
        on_progress=on_progress,
    )


def execute_import(
    request: ImportRequest, settings: Settings, on_progress: Progress = ignore_progress
) -> RetrievalDataset:
    """Import what a request names, or add it to the data set that it names.

    Raises:
        DatasetError, OSError: as for `import_dataset` and `add_images`; also when label files
            would not be used and the request does not confirm that.
    """
    source = open_request(request, settings).source
    if source.doubt and not request.yes:
        raise DatasetError(
            f"{source.doubt}. Nothing was imported: mend the file, name the layout with --format, "
            "or add --yes to import so"
        )
    if request.into:
        return add_images(request.into, source, settings, on_progress)
    return import_dataset(
        source,
        settings,
        link=request.link,
        split=request.split,
        again=request.again,
        on_progress=on_progress,
    )
