"""Commands about the index, and search by image."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.console import (
    console,
    current_settings,
    current_store,
    errors,
    print_table,
    progress_bars,
)
from pipeline.datasets.base import load_dataset
from pipeline.images import load_rgb
from pipeline.index_jobs import verify
from pipeline.indexing import drop_index, publish, read_index, roll_back
from pipeline.refreshing import refresh
from pipeline.runs import Run, RunError, RunRegistry
from pipeline.search import encode_image, search_index, searchable
from pipeline.store.base import Where

index = typer.Typer(
    help="Publish, list, verify, refresh, roll back and drop indexes.", no_args_is_help=True
)


@index.command("publish")
def publish_(
    run_id: str,
    force: Annotated[bool, typer.Option(help="Build a new version in any case.")] = False,
) -> None:
    """Make a run searchable."""
    publish_run(RunRegistry(current_settings()).open(run_id), force=force)


@index.command("refresh")
def refresh_(run_id: str) -> None:
    """Add to a run's index the images that its data set got since the run."""
    settings = current_settings()
    run = RunRegistry(settings).open(run_id)
    dataset = load_dataset(run.spec.dataset, settings)
    with progress_bars() as show:
        n_new, record = refresh(
            run, dataset, current_store(), settings, lambda n, of: show("features", n, of)
        )
    console.print(f"{n_new:,} new images encoded; {record.collection} holds {record.count:,} codes")


@index.command("list")
def list_() -> None:
    """Published runs."""
    rows = []
    for run in RunRegistry(current_settings()).all():
        record = read_index(run)
        if record:
            is_live = current_store().resolve(record.alias) == record.collection
            rows.append((run.id, record.collection, record.count, "yes" if is_live else "no"))
    print_table(("run", "collection", "codes", "live"), rows)


@index.command("verify")
def verify_(run_id: str) -> None:
    """Compare a run's live index with its codes: the count, and the distances of some searches."""
    console.print(verify(RunRegistry(current_settings()).open(run_id), current_store()))


@index.command("rollback")
def rollback(run_id: str) -> None:
    """Point a run's index back at the version before."""
    record = roll_back(RunRegistry(current_settings()).open(run_id), current_store())
    console.print(f"{record.alias} -> {record.collection}")


@index.command()
def drop(run_id: str) -> None:
    """Remove a run's index with all its versions; the run stays."""
    dropped = drop_index(RunRegistry(current_settings()).open(run_id), current_store())
    console.print(f"Dropped {dropped} collections.")


def search(
    image: Annotated[Path, typer.Argument(help="The query image.")],
    run: Annotated[str, typer.Option(help="A run, or part of its id; empty: newest.")] = "",
    k: Annotated[int, typer.Option(min=1, max=10_000, help="Results.")] = 10,
    radius: Annotated[int, typer.Option(help="Only within this distance; -1: all.")] = -1,
    label: Annotated[list[str] | None, typer.Option(help="Only with this label.")] = None,
) -> None:
    """Search by image in the index of a run."""
    settings = current_settings()
    load_rgb(image)  # whether it can be read is said before a run is looked for
    chosen = RunRegistry(settings).open(run) if run else newest_published()
    dataset = load_dataset(chosen.spec.dataset, settings)
    query_image = dataset.read_image(image)
    query = encode_image(query_image, chosen.load_backbone(), chosen.load_method())
    store, alias, reason = searchable(chosen, dataset, current_store())
    if reason:
        errors.print(f"Exact search in the run's code file: {reason}", highlight=False)
    found = search_index(
        store,
        alias,
        query.code,
        k=k,
        radius=radius if radius >= 0 else None,
        where=Where(labels=tuple(label or ())),
    )
    rows = [
        (
            rank,
            f"{hit.distance}/{chosen.spec.bits}",
            _labels(hit.payload),
            hit.payload["image_id"],
            hit.payload["text"],
        )
        for rank, hit in enumerate(found.result.hits, 1)
    ]
    print_table(("rank", "distance", "labels", "image", "text"), rows, chosen.spec.label)
    tie = "; more images lie at the last distance" if found.result.tie_cut else ""
    console.print(f"encoding {query.encode_s:.2f} s, search {1000 * found.search_s:.1f} ms{tie}")


def newest_published() -> Run:
    """The newest run with an index.

    Raises:
        RunError: nothing is published.
    """
    for run in RunRegistry(current_settings()).all():
        if read_index(run):
            return run
    raise RunError("no run is published; publish one with: python -m pipeline index publish RUN")


def publish_run(run: Run, *, force: bool = False) -> None:
    """Publish with a progress bar and say where."""
    dataset = load_dataset(run.spec.dataset, current_settings())
    with progress_bars() as show:
        record = publish(
            run,
            dataset,
            current_store(),
            force=force,
            on_progress=lambda done, total: show("publish", done, total),
        )
    console.print(f"{record.count:,} codes in {record.collection}", highlight=False)


def _labels(payload: dict[str, object]) -> str:
    labels = payload["labels"]
    return ", ".join(map(str, labels)) if isinstance(labels, list) else ""
