"""Data sets, their problems and dry runs of imports, as the command line prints them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pipeline.cli.console import current_settings, print_table, say
from pipeline.datasets.dataset import load_dataset
from pipeline.datasets.problems import Problem, problem_counts, read_problems
from pipeline.datasets.split import unlabelled_rows
from pipeline.wording import plural

if TYPE_CHECKING:
    from pipeline.ingest.dry_run import Plan


def describe(name: str) -> None:
    """Print what is known of a data set: images, labels, protocol and licence."""
    dataset = load_dataset(name, current_settings())
    info = dataset.info
    say((info.title, "bold"), f" ({info.name}): {info.summary}")
    problems = plural(info.n_problems, "file")
    say(f"{info.n:,} images stored, {problems} skipped or changed (problems.csv)")
    for labels in info.label_sets:
        n_unlabelled = len(unlabelled_rows(dataset, labels))
        without = f", {plural(n_unlabelled, 'image')} without one" if n_unlabelled else ""
        say(f"labels {labels.name!r}: {labels.kind}, {len(labels.classes)} classes{without}")
    if info.scaling_summary:
        say(f"Scaled to 8 bits per channel: {info.scaling_summary}")
    say(f"Evaluated under {info.split_summary}")
    say(f"Licence: {info.licence}. {info.attribution}")


def stored_problems(name: str) -> list[Problem]:
    """Problems of the files that a data set was imported from."""
    return read_problems(load_dataset(name, current_settings()).folder / "problems.csv")


def print_plan(plan: Plan) -> None:
    """A dry run as text: how it was read, what would be stored, what is wrong."""
    from pipeline.ingest.layouts import list_layouts

    info = plan.info
    say(("Dry run, nothing was stored.", "bold"), f" {info.name}: {info.summary}")
    for guess in plan.guesses:
        chosen = "*" if guess.layout == plan.reading.layout else " "
        title = list_layouts()[guess.layout]
        say(f"{chosen} {100 * guess.confidence:3.0f} % {title} ({guess.why})")
    for note in plan.notes:
        say(f"Read so: {note}")
    for warning in plan.warnings:
        say(("Warning: ", "yellow"), warning)
    if plan.doubt:
        say(("An import needs --format or --yes.", "yellow"))
    refused = info.n_problems - plan.n_duplicates
    say(
        f"{info.n:,} images would be stored, {plan.n_duplicates:,} duplicates kept once, "
        f"{plural(refused, 'file')} rejected, {plan.n_near:,} near-duplicates, "
        f"{plan.n_leaks:,} leaks"
    )
    parts = ", ".join(f"{name} {n:,}" for name, n in plan.parts.items()) or plan.split_problem
    say(f"Split: {info.split_summary}: {parts}")
    if info.label_sets and plan.n_unlabelled:
        say(
            f"{plural(plan.n_unlabelled, 'image')} without a {info.label_sets[0].name} label: "
            "stored, searched, and left out of what is measured"
        )
    for name, counts in plan.classes.items():
        print_table(("class", "images"), counts, f"Labels {name!r}", prose=("class",))
    if plan.problems:
        print_problems("files", problem_counts(plan.problems))
    if plan.same_as:
        say(f"The same content is already here as {plan.same_as!r}.")


def print_problems(first: str, rows: Sequence[tuple[object, ...]]) -> None:
    """Print reasons and what was done, beside a first column of files or of their number."""
    print_table((first, "reason", "action"), rows, "Problems", prose=("reason",))
