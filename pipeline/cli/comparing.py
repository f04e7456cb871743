"""Commands that compare: ablate takes one method apart, bench sets many side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from models.registry import list_methods
from pipeline.ablation import FULL, run_study, variants
from pipeline.bench import LEGEND, Outcome, compare, markdown, text_table
from pipeline.cli.console import console, current_settings, print_table, progress_bars
from pipeline.cli.running import (
    BackboneOption,
    BitsOption,
    DatasetOption,
    LabelsOption,
    ProtocolOption,
    SetOption,
    SplitSeedOption,
    described_spec,
    run_spec,
)
from pipeline.datasets.base import load_dataset
from pipeline.files import write_atomic
from pipeline.runs import RunRegistry

SeedsOption = Annotated[int, typer.Option(min=1, max=20, help="Method seeds.")]


def bench(
    dataset: DatasetOption = "openmoji",
    methods: Annotated[str, typer.Option(help="Names with commas between, or all.")] = "all",
    bits: Annotated[str, typer.Option(help="Code lengths with commas between.")] = "16,32,64",
    seeds: SeedsOption = 3,
    without_label: Annotated[
        str, typer.Option(help="Further columns whose relevance leaves this label out.")
    ] = "",
    backbone: BackboneOption = "efficientnet_lite0",
    labels: LabelsOption = "",
    protocol: ProtocolOption = "",
    split_seed: SplitSeedOption = 0,
    markdown_: Annotated[
        Path | None, typer.Option("--markdown", help="A file for the table in Markdown.")
    ] = None,
) -> None:
    """Compare methods on one data set; what was run before is not run again."""
    settings = current_settings()
    if markdown_ is not None and not markdown_.parent.is_dir():  # before hours of work, not after
        raise ValueError(f"--markdown: there is no folder {markdown_.parent}")
    names = (
        list_methods() if methods == "all" else tuple(name.strip() for name in methods.split(","))
    )
    base = described_spec(
        dataset, names[0], 32, None, backbone, labels, protocol, 0, split_seed, None
    )
    lengths = _numbers(bits)
    with progress_bars() as show:

        def show_features(stage: str, done: int, total: int) -> None:
            if stage == "features":  # may take minutes; other stages have their line soon
                show(stage, done, total)

        result = compare(
            base,
            names,
            lengths,
            seeds,
            settings,
            without=without_label,
            on_outcome=_say,
            on_progress=show_features,
        )
    name = f"{dataset}_{base.label_set}_{backbone}_{base.protocol}_{split_seed}.csv"
    path = settings.home / "benchmarks" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, result.to_csv(index=False))
    summary = f"{dataset}, {backbone}, protocol {base.protocol}: "
    summary += f"{base.evaluation_protocol().summary} {LEGEND}"
    console.print(summary, highlight=False)
    print_table(*text_table(result, without_label))
    console.print(f"Written to {path}")
    if markdown_ is not None:
        write_atomic(markdown_, f"{summary}\n\n{markdown(result, without_label)}\n")
        console.print(f"Written to {markdown_}")


def ablate(
    method: Annotated[str, typer.Argument(help="A method whose card names ablations.")],
    dataset: DatasetOption = "openmoji",
    bits: BitsOption = 32,
    seeds: SeedsOption = 3,
    set_: SetOption = None,
    backbone: BackboneOption = "efficientnet_lite0",
    labels: LabelsOption = "",
    protocol: ProtocolOption = "",
    split_seed: SplitSeedOption = 0,
) -> None:
    """Switch off one part of a method at a time; what was run before is not run again."""
    settings = current_settings()
    base = described_spec(
        dataset, method, bits, set_, backbone, labels, protocol, 0, split_seed, None
    )
    study = variants(base, seeds)
    fingerprint = load_dataset(dataset, settings).info.fingerprint
    result = run_study(study, RunRegistry(settings).finished(fingerprint), run_spec)
    path = settings.home / "ablations" / f"{dataset}_{method}_{bits}b_{base.digest[:8]}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, result.to_csv(index=False))
    console.print(base.evaluation_protocol().summary)
    percent = {name: 100 * result[name] for name in result.columns if result[name].dtype == float}
    rows = [
        (
            str(result["variant"][row]),
            int(result["seeds"][row]),
            f"{percent['map'][row]:.1f} ± {percent['map_sd'][row]:.1f}".replace(" ± nan", ""),
            ""
            if result["variant"][row] == FULL
            else f"{percent['difference'][row]:+.1f} ({percent['difference_low'][row]:+.1f} to "
            f"{percent['difference_high'][row]:+.1f})",
            f"{percent['ndcg'][row]:.1f}",
            f"{result['acg'][row]:.3f}",
            f"{result['training_s'][row]:.1f}",
        )
        for row in result.index
    ]
    names = ("variant", "seeds", "mAP %", "difference (95 %)", "NDCG@100 %", "ACG@100", "train s")
    print_table(names, rows, base.label)
    console.print(f"Written to {path}")


def _say(outcome: Outcome) -> None:
    """One line for a run."""
    style = {"failed": "red", "skipped": "yellow"}.get(outcome.state, "green")
    reason = outcome.text.replace("[", "\\[")
    console.print(
        f"{outcome.number}/{outcome.total} {outcome.title}: [{style}]{outcome.state}[/], {reason}",
        highlight=False,
        soft_wrap=True,
    )


def _numbers(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError as error:
        raise ValueError(f"--bits takes code lengths like 16,32,64, got {text!r}") from error
