"""The commands scale and plan: many images on many processes, and what sizes need."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from pipeline.cli.console import (
    JsonOption,
    current_settings,
    limit_threads,
    print_table,
    progress_bars,
    say,
    say_json,
)
from pipeline.cli.opening import RunArgument, opened_run

scale = typer.Typer(
    help="Encode images in parquet files or folders, shard by shard.", no_args_is_help=True
)


@scale.command("encode")
def encode(
    run_id: RunArgument,
    source: Annotated[
        str, typer.Argument(help="Parquet files or a folder of images; s3:// and the like too.")
    ],
    target: Annotated[Path, typer.Argument(help="Folder of the codes.")],
    workers: Annotated[int, typer.Option(min=1, help="Processes, or GPUs.")] = 2,
    engine: Annotated[
        Literal["ray", "one"], typer.Option(help="Ray's actors, or one process without Ray.")
    ] = "ray",
    address: Annotated[str, typer.Option(help="Of a Ray cluster, such as `auto`.")] = "",
    shard_size: Annotated[int, typer.Option(min=1, help="Images of a shard, about.")] = 2000,
    id_column: Annotated[str, typer.Option(help="Of parquet files; else id, key or url.")] = "",
    image_column: Annotated[str, typer.Option(help="Of parquet files; else the only one.")] = "",
    collection: Annotated[str, typer.Option(help="Store the codes in this one too.")] = "",
) -> None:
    """Encode a source with a finished run; the same command goes on after an interruption."""
    from pipeline.scaling.encoding import Engine, Job, OneProcess, encode_source
    from pipeline.scaling.ray_engine import RayEngine
    from pipeline.scaling.sources import list_shards

    limit_threads()
    shards = list_shards(source, shard_size, id_column=id_column, image_column=image_column)
    job = Job(opened_run(run_id).id, tuple(shards), target, collection)
    chosen: Engine = RayEngine(workers, address) if engine == "ray" else OneProcess()
    before = len(shards) - len(job.remaining)
    if before:
        say(f"{before:,} of {len(shards):,} shards are done already; the others follow.")
    with progress_bars() as show:
        done = encode_source(
            job, current_settings(), chosen, lambda done, total: show("shards", done, total)
        )
    say(f"{done.n_codes:,} codes in {target}.")
    if done.n_problems:
        say(f"{done.n_problems:,} images could not be read; see problems-*.json there.")


def plan(
    images: Annotated[int, typer.Option(min=1, help="Images to encode and search.")],
    bits: Annotated[int, typer.Option(min=1, max=256, help="Code length.")] = 64,
    nodes: Annotated[int, typer.Option(min=1, help="Machines.")] = 1,
    cores: Annotated[int, typer.Option(min=1, help="CPU cores of a machine.")] = 16,
    gpus: Annotated[int, typer.Option(min=0, help="GPUs of a machine.")] = 0,
    gpu_rate: Annotated[
        float, typer.Option(min=0, help="Images per second of one GPU, as you measured it.")
    ] = 0,
    core_price: Annotated[float, typer.Option(min=0, help="Price of a core for an hour.")] = 0.05,
    gpu_price: Annotated[float, typer.Option(min=0, help="Price of a GPU for an hour.")] = 2.0,
    json_: JsonOption = False,
) -> None:
    """What encoding, building and searching so many images takes, and what to use.

    From costs per image that were measured, which are printed with it.
    """
    from pipeline.scaling.planning import Machines, plan_for

    machines = Machines(nodes, cores, gpus, gpu_rate, core_price, gpu_price)
    planned = plan_for(images, bits, machines)
    if json_:
        return say_json(planned.as_dict())
    columns = ("stage", "memory per node", "disk, all", "time", "cost per million")
    print_table(columns, planned.rows(), f"{images:,} images, {bits} bits, {nodes} node(s)")
    for line in (planned.advice, *planned.assumptions):
        say(line)
    return None
