"""Hand on what a run made: a search that opens from disk."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.console import current_settings, progress_bars, say
from pipeline.cli.opening import RunArgument, opened_run


def share(
    run_id: RunArgument,
    target: Annotated[Path, typer.Argument(help="The page to write, such as out.html.")],
    beside: Annotated[str, typer.Option(help="A second run, shown side by side.")] = "",
    pixels: Annotated[int, typer.Option(help="Longest side of a picture, 48 to 512.")] = 128,
    findings: Annotated[bool, typer.Option(help="Put the report's findings on top.")] = True,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say the size alone.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace what is there.")] = False,
) -> None:
    """Write the search of a run as one page that opens from disk, without a server or a network.

    Above 20 MB it becomes a folder with the page and sheets of pictures, for up to 60,000 images.
    """
    from pipeline.datasets.dataset import load_dataset
    from pipeline.sharing.findings import read_findings
    from pipeline.sharing.search_file import open_shared, write_shared
    from pipeline.wording import file_size

    settings = current_settings()
    runs = [opened_run(name) for name in (run_id, beside) if name]
    dataset = load_dataset(runs[0].spec.dataset, settings)
    told = read_findings(dataset.info.name, settings) if findings else None
    shared = open_shared(runs, dataset, told, pixels)
    say(shared.summary)
    if dry_run:
        return
    with progress_bars() as show:
        page = write_shared(
            shared, target, lambda done, total: show("pictures", done, total), force=force
        )
    written = page.parent.rglob("*") if shared.is_folder else [page]
    n_bytes = sum(path.stat().st_size for path in written if path.is_file())
    say(f"{page}: {file_size(n_bytes)}. Open it in a browser; nothing else is needed.")
