"""Commands about what people say: verdicts, and rounds in which they judge results blindly."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.console import (
    JsonOption,
    current_settings,
    errors,
    print_table,
    say,
    say_json,
)
from pipeline.datasets.dataset import load_dataset
from pipeline.files import write_atomic

if TYPE_CHECKING:
    import pandas as pd

verdicts = typer.Typer(help="Export verdicts on queries and results.", no_args_is_help=True)
judge = typer.Typer(
    help="Start, list, measure and delete blind judging rounds.", no_args_is_help=True
)


@verdicts.callback()
def _group() -> None:
    """Keeps `export` a command of its own."""


@verdicts.command("export")
def export_(
    dataset: Annotated[str, typer.Argument(help="A data set of the library.")],
    file: Annotated[Path, typer.Argument(help="The CSV file to write.")],
) -> None:
    """Write the verdicts on a data set, those of judging rounds too, as CSV."""
    from pipeline.annotations.verdicts import verdict_table
    from pipeline.spreadsheets import to_csv

    table = verdict_table(load_dataset(dataset, current_settings()), current_settings())
    write_atomic(file, to_csv(table), is_noted=False)
    verdicts_said = "1 verdict" if len(table) == 1 else f"{len(table):,} verdicts"
    say(f"{verdicts_said} in {file}")


@judge.command()
def new(
    dataset: Annotated[str, typer.Argument(help="A data set of the library.")],
    runs: Annotated[list[str], typer.Argument(help="2 to 5 of its runs.")],
    queries: Annotated[int, typer.Option(help="Queries, drawn at random.")] = 20,
    name: Annotated[str, typer.Option(help="Name of the round; it should name no run.")] = "",
    seed: Annotated[int | None, typer.Option(help="Of the draw; else a new one.")] = None,
) -> None:
    """Start a round, which people judge on the page Judge of the dashboard."""
    from pipeline.analysis.judging_rounds import start_round
    from pipeline.cli.opening import opened_run

    settings = current_settings()
    ids = [opened_run(run).id for run in runs]
    judged = start_round(
        load_dataset(dataset, settings), ids, settings, n_queries=queries, name=name, seed=seed
    )
    for run in judged.runs:
        if run.problem:
            say(f"{run.label}: equally near results by id: {run.problem}", to=errors)
    say(f"{judged.id}: {judged.protocol}")
    say(f"{len(judged.pairs):,} results to judge at /judge?ds={dataset}&round={judged.id}")


@judge.command("list")
def list_(
    dataset: Annotated[str, typer.Argument(help="A data set of the library.")],
    json_: JsonOption = False,
) -> None:
    """The rounds of a data set, newest first, with the progress of each judge."""
    from pipeline.analysis.judging import verdicts_of
    from pipeline.analysis.judging_rounds import list_rounds, unreadable_rounds

    settings = current_settings()
    load_dataset(dataset, settings)
    rows: list[dict[str, object]] = []
    for judged in list_rounds(dataset, settings):
        given = {judge: len(pairs) for judge, pairs in verdicts_of(judged, settings).items()}
        rows.append(
            {
                "round": judged.id,
                "name": judged.name,
                "runs": len(judged.runs),
                "queries": len(judged.queries),
                "results": len(judged.pairs),
                "judges": given,
            }
        )
    if json_:
        say_json(rows)
    else:
        names = ["round", "name", "runs", "queries", "results", "judges"]
        cells = [[*list(row.values())[:-1], _counts(row["judges"])] for row in rows]
        print_table(names, cells, has_json=True)
    for file, reason in unreadable_rounds(dataset, settings).items():
        say(("Not readable:", "yellow"), f" {file}: {reason}", to=errors)


@judge.command()
def result(
    round_id: Annotated[str, typer.Argument(metavar="ROUND", help="Id of a round.")],
    json_: JsonOption = False,
) -> None:
    """P@10 and NDCG@10 of each run by people, who wins, and how far judges agree."""
    from pipeline.analysis import judged_tables
    from pipeline.analysis.judged import label_answers, read_result
    from pipeline.analysis.judging import changes_since, verdicts_of
    from pipeline.analysis.judging_rounds import find_round

    settings = current_settings()
    judged = find_round(round_id, settings)
    dataset = load_dataset(judged.dataset, settings)
    found = read_result(judged, verdicts_of(judged, settings), label_answers(judged, dataset))
    tables = {
        "runs": judged_tables.run_table(found),
        "duels": judged_tables.duel_table(found),
        "agreement": judged_tables.agreement_table(found),
    }
    if json_:
        say_json(
            {"protocol": judged.protocol, "finding": found.finding, "limits": found.limits}
            | {name: table.to_dict("records") for name, table in _plain(tables).items()}
        )
        return
    for change in changes_since(judged, dataset, settings):
        say(change, to=errors)
    for sentence in (judged.protocol, found.finding, found.limits):
        say(sentence)
    for name, table in tables.items():
        if len(table) and (found.complete or name == "agreement"):
            print_table(list(map(str, table)), table.round(2).fillna("–").to_numpy().tolist())


@judge.command()
def delete(
    round_id: Annotated[str, typer.Argument(metavar="ROUND", help="Id of a round.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete a round; its verdicts stay in `verdicts export`."""
    from pipeline.analysis.judging_rounds import delete_round, find_round

    judged = find_round(round_id, current_settings())
    if not yes:
        typer.confirm(f"Delete {judged.name} ({judged.id})?", abort=True)
    delete_round(judged, current_settings())
    say(f"Deleted {judged.id}.")


def _counts(given: object) -> str:
    assert isinstance(given, dict)
    return ", ".join(f"{judge} {n:,}" for judge, n in given.items())


def _plain(tables: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Tables with None for what is not a number, as JSON has it."""
    return {name: table.astype(object).where(table.notna(), None) for name, table in tables.items()}
