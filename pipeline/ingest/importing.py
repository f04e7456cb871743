"""Carry out an ImportRequest: open its source, check it, import it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pipeline.datasets.dataset import DatasetError, RetrievalDataset, load_dataset
from pipeline.ingest.add_images import add_images
from pipeline.ingest.dry_run import Plan, make_plan
from pipeline.ingest.hub import downloaded, is_on_hub
from pipeline.ingest.ingest import import_dataset
from pipeline.ingest.request import ImportRequest
from pipeline.ingest.sources import SourceRequest, open_source
from pipeline.ingest.sources.folder import Opened, open_files
from pipeline.progress import Progress, ignore_progress
from pipeline.settings import Settings


def open_request(request: ImportRequest, settings: Settings) -> Opened:
    """The source of a request, and how it was understood.

    Raises:
        DatasetError: it is unavailable or cannot be read; the message says what to do.
    """
    downloads = settings.home / "downloads"
    path = None if request.is_built_in else Path(request.source)
    if is_on_hub(request.source):
        path = downloaded(request.source, downloads)
    source_request = SourceRequest(
        name=request.name,
        path=path,
        images=Path(request.images) if request.images else None,
        reading=request.reading,
        link_roots=tuple(map(Path, request.link_roots)),
        downloads=downloads,
        variants=request.variants,
    )
    if request.is_built_in:
        opened = Opened(open_source(request.source, source_request))
    else:
        opened = open_files(source_request)
    if not request.title:
        return opened
    return replace(opened, source=replace(opened.source, title=request.title))


def plan_import(
    request: ImportRequest, settings: Settings, on_progress: Progress = ignore_progress
) -> Plan:
    """The dry run of a request; nothing is stored.

    Raises:
        DatasetError: `open_request` or `make_plan` refuses the request.
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
