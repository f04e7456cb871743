"""Hand on what a run made: a search that opens from disk, an ONNX file, codes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.console import current_settings, errors, limit_threads, progress_bars, say
from pipeline.cli.opening import RunArgument, opened_run
from pipeline.runs.results import RunError

export = typer.Typer(help="Write a run for programs without HashLens.", no_args_is_help=True)


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


@export.command("onnx")
def onnx_(
    run_id: RunArgument,
    target: Annotated[Path, typer.Argument(help="The file to write, such as model.onnx.")],
) -> None:
    """Write backbone and method as one ONNX file, and compare its codes with those of the run."""
    from pipeline.datasets.dataset import load_dataset
    from pipeline.sharing.onnx_file import compare_onnx, write_onnx
    from pipeline.wording import file_size

    limit_threads()
    settings, run = current_settings(), opened_run(run_id)
    write_onnx(run, target)
    say(f"{target}: {file_size(target.stat().st_size)}")
    dataset = load_dataset(run.spec.dataset, settings)
    with progress_bars() as show:
        compared = compare_onnx(
            target, run, dataset, settings, lambda done, total: show("compare", done, total)
        )
    say(f"{compared}.")


@export.command("codes")
def codes_(
    run_id: RunArgument,
    target: Annotated[Path, typer.Argument(help="Ends in .npy, .faiss or .snapshot.")],
) -> None:
    """Write codes as a NumPy array or a binary index of faiss, or a snapshot of Qdrant."""
    from pipeline.datasets.dataset import load_dataset
    from pipeline.index.publish import read_index
    from pipeline.index.store.snapshots import save_snapshot
    from pipeline.sharing.code_files import write_codes
    from pipeline.wording import file_size

    settings, run = current_settings(), opened_run(run_id)
    beside = None
    if target.suffix == ".snapshot":
        record = read_index(run)
        if record is None:
            raise RunError(f"run {run.id} has no index; publish it first: index publish {run.id}")
        save_snapshot(record.collection, target, settings)
    else:
        beside = write_codes(run, load_dataset(run.spec.dataset, settings), target)
    size = file_size(target.stat().st_size)
    say(f"{target}: {size}" + (f"; which images they are: {beside}" if beside else ""))


def track(
    run_id: RunArgument,
    target: Annotated[
        str, typer.Argument(help="tensorboard:FOLDER, mlflow:ADDRESS or wandb:PROJECT.")
    ],
) -> None:
    """Give settings, history and report of a finished run to a tracker of experiments."""
    from pipeline.sharing.trackers import track as give

    run = opened_run(run_id)
    n_epochs = give(run, target)
    say(f"{run.id} is in {target}: {n_epochs:,} epochs and its report.")


def push(
    run_id: RunArgument,
    target: Annotated[str, typer.Argument(help="A new folder, or hf://OWNER/NAME.")],
) -> None:
    """Write a finished run with its model card to a folder or a Hugging Face repository."""
    from pipeline.sharing.run_bundle import push as write

    say(f"Pushed to {write(opened_run(run_id), target)}")


def pull(
    source: Annotated[str, typer.Argument(help="A folder of push, or hf://OWNER/NAME.")],
) -> None:
    """Take a pushed run into the library; its model encodes, its data set is not part of it."""
    from pipeline.sharing.run_bundle import missing_dataset
    from pipeline.sharing.run_bundle import pull as take

    run = take(source, current_settings())
    say(f"Pulled {run.id}")
    if reason := missing_dataset(run, current_settings()):
        say(("Its images cannot be searched here: ", "yellow"), reason, to=errors)
