"""Commands about the index, and search by image."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from pipeline.cli.console import (
    JsonOption,
    current_settings,
    current_store,
    errors,
    limit_threads,
    print_table,
    progress_bars,
    say,
    say_json,
)
from pipeline.cli.opening import RunArgument, opened_run
from pipeline.datasets.dataset import load_dataset
from pipeline.runs.registry import RunRegistry
from pipeline.runs.results import RunError
from pipeline.runs.run import Run
from pipeline.wording import COMMAND, file_size

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from pipeline.datasets.dataset import RetrievalDataset
    from pipeline.index.coverage import Images
    from pipeline.index.index_features import KeptFeatures
    from pipeline.index.ordering import Ordering
    from pipeline.index.store.base import CodeStore, Hit


ImagesOption = Annotated[
    Literal["all", "database"],
    typer.Option(help="Images in the index: all, or the database that runs are measured on."),
]
FeaturesOption = Annotated[
    Literal["none", "float16", "int8"],
    typer.Option(help="Features kept in the index, which then rescores by itself."),
]


class Order(StrEnum):
    """What sorts the results of a search."""

    WITHIN = "within"
    RESCORED = "rescored"
    CODES = "codes"


index = typer.Typer(
    help="Publish, list, verify, refresh, roll back and drop indexes.", no_args_is_help=True
)


@index.command("publish")
def publish_(
    run_id: RunArgument,
    images: ImagesOption = "all",
    features: FeaturesOption = "none",
    force: Annotated[bool, typer.Option(help="Build a new version in any case.")] = False,
) -> None:
    """Make a run searchable; what features take on the disk is said before they are added."""
    publish_run(opened_run(run_id), images, features, force=force)


@index.command("refresh")
def refresh_(run_id: RunArgument) -> None:
    """Add to a run's index the images of its data set that it lacks, such as those added since."""
    from pipeline.index.refresh import refresh

    limit_threads()
    settings = current_settings()
    run = opened_run(run_id)
    dataset = load_dataset(run.spec.dataset, settings)
    with progress_bars() as show:
        n_new, record = refresh(
            run, dataset, _patient_store(), settings, lambda n, of: show("features", n, of)
        )
    say(f"{n_new:,} new images encoded; {record.collection} holds {record.count:,} codes")


@index.command("list")
def list_(json_: JsonOption = False) -> None:
    """Published runs; other commands take what stands in the first two columns."""
    from pipeline.index.publish import read_index

    rows: list[tuple[object, ...]] = []
    for run in RunRegistry(current_settings()).all():
        record = read_index(run)
        if record:
            is_live = current_store().resolve(record.alias) == record.collection
            live = "yes" if is_live else "no"
            covered = record.count, record.images, record.features
            rows.append((run.id, record.collection, *covered, live))
    columns = ("run", "collection", "codes", "images", "features", "live")
    if json_:
        return say_json([dict(zip(columns, row, strict=True)) for row in rows])
    return print_table(columns, rows, optional=("collection", "codes"), has_json=True)


@index.command("verify")
def verify_(run_id: RunArgument) -> None:
    """Compare a run's live index with its codes, and some codes with images encoded again."""
    from pipeline.index.index_jobs import verify, verify_rescoring

    limit_threads()
    settings, run = current_settings(), opened_run(run_id)
    dataset = load_dataset(run.spec.dataset, settings)
    codes_hold = verify(run, dataset, current_store())
    say(codes_hold + verify_rescoring(run, dataset, current_store(), settings))


@index.command("rollback")
def rollback(run_id: RunArgument) -> None:
    """Point a run's index back at the version before."""
    from pipeline.index.publish import roll_back

    record = roll_back(opened_run(run_id), _patient_store())
    say(f"{record.alias} -> {record.collection}")


@index.command()
def drop(run_id: RunArgument) -> None:
    """Remove a run's index with all its versions; the run stays."""
    from pipeline.index.publish import drop_index

    dropped = drop_index(opened_run(run_id), _patient_store())
    say(f"Dropped {dropped} collections.")


def _patient_store() -> CodeStore:
    """The store, for commands that change it."""
    from pipeline.index.store.patience import patient

    return patient(current_store(), current_settings().qdrant_wait_s)


def search(
    image: Annotated[Path | None, typer.Argument(help="The query image.")] = None,
    run: Annotated[
        str, typer.Option(help="A run, part of its id, or its index; empty: newest.")
    ] = "",
    k: Annotated[int, typer.Option(min=1, max=10_000, help="Results.")] = 10,
    radius: Annotated[int, typer.Option(help="Only within this distance; -1: all.")] = -1,
    label: Annotated[list[str] | None, typer.Option(help="Only with this label.")] = None,
    order: Annotated[Order, typer.Option(help="What sorts the results.")] = Order.WITHIN,
    text: Annotated[str, typer.Option(help="Words to search with instead of an image.")] = "",
    stored: Annotated[str, typer.Option("--id", help="Id of an image of the data set.")] = "",
) -> None:
    """Search in the index of a run: by an image, by one of the data set, or by words.

    Order: `within` sorts by distance and equally near images by the cosine of their features,
    `rescored` sorts the nearest 200 by that cosine, `codes` sorts by distance alone.
    """
    from pipeline.cli.queries import check_one, encoded_query
    from pipeline.index.ordering import find_shortlist, sort_hits
    from pipeline.index.payloads import check_where
    from pipeline.index.search import searchable
    from pipeline.index.store.base import Where

    limit_threads()
    settings = current_settings()
    check_one(image, text, stored)
    chosen = opened_run(run) if run else newest_published()
    dataset = load_dataset(chosen.spec.dataset, settings)
    where = Where(labels=tuple(label or ()))
    check_where(where, chosen, dataset)
    query = encoded_query(chosen, dataset, settings, image, text, stored)
    store, alias, reason = searchable(chosen, dataset, current_store())
    if reason:
        say(f"Exact search in the run's code file: {reason}", to=errors)
    ordering = _ordering(order, chosen, dataset, query.features)
    found = find_shortlist(
        store,
        alias,
        query.code,
        ordering,
        limit=k,
        max_distance=radius if radius >= 0 else None,
        where=where,
    )
    order_found = sort_hits(found.result.hits, ordering)
    if order_found.problem:
        say(f"Sorted by the codes alone: {order_found.problem}", to=errors)
    hits = [found.result.hits[place] for place in order_found.places[:k]]
    _print_hits(hits, chosen, dataset)
    is_cut = found.result.tie_cut or any(
        hit.distance == hits[-1].distance for hit in found.result.hits[k:]
    )
    tie = "; more images lie at the last distance" if is_cut else ""
    say(f"encoding {query.encode_s:.2f} s, search {1000 * found.search_s:.1f} ms{tie}")


def _print_hits(hits: Sequence[Hit], run: Run, dataset: RetrievalDataset) -> None:
    from pipeline.index.ordering import rows_of

    texts = dataset.manifest[["image_id", "text"]].iloc[rows_of(hits)].itertuples(index=False)
    rows = [
        (rank, f"{hit.distance}/{run.spec.bits}", _labels(hit.payload), *text)
        for rank, (hit, text) in enumerate(zip(hits, texts, strict=True), 1)
    ]
    columns = ("rank", "distance", "labels", "image", "text")
    print_table(columns, rows, run.spec.label, prose=("labels", "text"), optional=("text",))


def _ordering(
    order: Order, run: Run, dataset: RetrievalDataset, query: NDArray[np.float32]
) -> Ordering | None:
    """What sorts the results beside their distance; None, with a word why, where nothing can."""
    from pipeline.index.cosine import cosine_of
    from pipeline.index.ordering import Ordering, rescored_in_index
    from pipeline.stored_features import FeaturesMissing

    if order is Order.CODES:
        return None
    try:
        cosine = cosine_of(run, dataset, current_settings(), run.load_backbone)
        return Ordering(cosine.values(query), order is Order.WITHIN, query)
    except FeaturesMissing as error:
        if order is Order.RESCORED:  # an index may hold them
            return rescored_in_index(query, str(error))
        say(f"Sorted by the codes alone: {error}", to=errors)
        return None


def newest_published() -> Run:
    """The newest run with an index.

    Raises:
        RunError: nothing is published.
    """
    from pipeline.index.publish import read_index

    for run in RunRegistry(current_settings()).all():
        if read_index(run):
            return run
    raise RunError(f"no run is published; publish one with: {COMMAND} index publish RUN")


def publish_run(
    run: Run, images: Images = "all", features: KeptFeatures = "none", *, force: bool = False
) -> None:
    """Publish with a progress bar and say where, and how many of the images."""
    from pipeline.index.coverage import in_words, searched_codes
    from pipeline.index.index_features import open_features
    from pipeline.index.publish import publish
    from pipeline.index.refresh import encode_what_can_be
    from pipeline.index.store.features import feature_bytes

    limit_threads()
    settings, problem = current_settings(), ""
    dataset = load_dataset(run.spec.dataset, settings)
    with progress_bars() as show:
        if images == "all":
            problem = encode_what_can_be(
                run, dataset, settings, lambda done, total: show("features", done, total)
            )
        beside = open_features(run, dataset, features, settings)
        if beside:
            n_bytes = feature_bytes(beside.type, len(searched_codes(run, images)[1]), beside.dim)
            say(f"Features as {beside.type}: {file_size(n_bytes)} on the disk", to=errors)
        record = publish(
            run,
            dataset,
            _patient_store(),
            images=images,
            features=beside,
            force=force,
            on_progress=lambda done, total: show("publish", done, total),
        )
    covered = in_words(record.count, len(dataset), images)
    say(f"{record.count:,} codes in {record.collection}: {covered}")
    if problem:
        say(("Warning: ", "yellow"), problem, to=errors)


def _labels(payload: dict[str, object]) -> str:
    labels = payload["labels"]
    return ", ".join(map(str, labels)) if isinstance(labels, list) else ""
