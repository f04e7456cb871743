"""Commands about features: own vectors that come from other programs."""

from __future__ import annotations

from typing import Annotated

import typer

from pipeline.cli.console import JsonOption, current_settings, errors, print_table, say, say_json
from pipeline.cli.options import takes_options
from pipeline.vectors.request import VectorsRequest
from pipeline.wording import COMMAND

features = typer.Typer(
    help="Import, list and remove vectors of your own network as a backbone.", no_args_is_help=True
)


@features.command("import")
@takes_options
def import_(
    request: VectorsRequest,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only check and report.")] = False,
) -> None:
    """Import vectors of a data set's images as a backbone.

    They are checked as a whole. Importing again under the same name adds those of further images;
    other vectors of the same images are refused.
    """
    from pipeline.vectors.importing import plan_vectors, store_vectors

    plan = plan_vectors(request, current_settings())
    for note in plan.notes:
        say(f"Read so: {note}")
    if not dry_run:
        store_vectors(plan, current_settings())
    say(("Dry run, nothing was stored. ", "bold") if dry_run else "", f"{plan.sentence}.")
    if plan.missing:
        say(("Warning: ", "yellow"), f"{plan.missing}.")
    elif not dry_run:
        dataset, backbone = plan.dataset.info.name, plan.about.backbone
        say(f"{COMMAND} run --dataset {dataset} --backbone {backbone} --method ud2h")


@features.command("list")
def list_(json_: JsonOption = False) -> None:
    """Own vectors that are imported."""
    from pipeline.stored_features import damaged_features, own_vectors

    for reason in damaged_features(current_settings()).values():
        say(("Warning: ", "yellow"), f"{reason}.", to=errors)
    own = own_vectors(current_settings())
    if json_:
        facts = [{**about.model_dump(), "vectors": len(stored)} for stored, about in own.values()]
        return say_json(facts)
    rows = [
        (name, len(stored), about.dim, about.source, about.imported)
        for name, (stored, about) in own.items()
    ]
    columns = ("backbone", "vectors", "dimensions", "from", "imported (UTC)")
    return print_table(columns, rows, optional=("imported (UTC)", "from"), has_json=True)


@features.command()
def remove(name: str) -> None:
    """Remove own vectors; refused while runs depend on them."""
    from pipeline.runs.registry import RunRegistry
    from pipeline.vectors.importing import remove_vectors

    def runs_on(backbone: str) -> list[str]:
        runs = RunRegistry(current_settings()).all()
        return [run.id for run in runs if run.spec.backbone == backbone]

    about = remove_vectors(name, current_settings(), runs_on)
    say(f"Removed {about.backbone}, imported from {about.source}.")
