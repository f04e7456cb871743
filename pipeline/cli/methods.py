"""Commands about hash methods."""

from __future__ import annotations

import typer

from models.registry import get_method
from pipeline.cli.console import JsonOption, limit_threads, print_table, say, say_json

methods = typer.Typer(help="List, show and check hash methods.", no_args_is_help=True)


@methods.command("list")
def list_methods_(json_: JsonOption = False) -> None:
    """All hash methods."""
    from pipeline.catalog import method_cards

    if json_:
        return say_json([card.model_dump(mode="json") for card in method_cards()])
    rows = [
        (card.name, card.title, card.supervision, f"{card.venue} {card.year}", card.summary)
        for card in method_cards()
    ]
    columns = ("method", "title", "supervision", "published", "idea")
    less = ("published", "title", "supervision")
    return print_table(columns, rows, prose=("idea",), optional=less, has_json=True)


@methods.command("show")
def show_method(name: str) -> None:
    """Card and hyper-parameters of a method; set them with --set key=value."""
    from pipeline.catalog import config_fields

    card = get_method(name).card
    say((card.title, "bold"), f": {card.summary}")
    say(f"{card.authors}. {card.venue} {card.year}. {card.paper}".strip())
    say(f"Supervision: {card.supervision}. Follows: {card.fidelity}.")
    for deviation in card.deviations:
        say(f"- {deviation}")
    rows = [(f.name, f.default, f.bounds, f.description) for f in config_fields(name)]
    print_table(("key", "default", "range", "meaning"), rows, prose=("range", "meaning"))


@methods.command()
def check(name: str) -> None:
    """Run the contract that every method must keep."""
    from models.contract import CHECKS

    limit_threads()
    method = get_method(name)
    broken = 0
    for test in CHECKS:
        sentence = (test.__doc__ or test.__name__).splitlines()[0]
        try:
            test(method)
        except AssertionError as error:
            broken += 1
            say(("broken", "red"), f" {sentence} {error}")
        else:
            say(("kept", "green"), f"   {sentence}")
    raise typer.Exit(1 if broken else 0)
