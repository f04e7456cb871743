"""The split chosen at import: the given one, a stratified one, or that of a named protocol."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from models.wording import unknown
from pipeline.datasets.dataset import DatasetError, RetrievalDataset
from pipeline.datasets.protocols import PROTOCOLS
from pipeline.datasets.split import make_split
from pipeline.datasets.stratify import stratify
from pipeline.options import OPTION

if TYPE_CHECKING:
    import pandas as pd

GIVEN, STRATIFIED = "given", "stratified"


class SplitChoice(BaseModel):
    """How a data set is split."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    how: str = Field(
        "",
        description="given, stratified, or a protocol; empty: given where there is one.",
        json_schema_extra={OPTION: "--split"},
    )
    queries: float = Field(0.2, gt=0, lt=1, description="stratified: share of the query set.")
    train: float = Field(
        1.0, gt=0, le=1, description="stratified: share of the database that trains."
    )
    seed: int = Field(0, ge=0, description="Of the random draws.")

    @property
    def identity(self) -> str:
        """Key that tells imports of the same files with different splits apart."""
        return f"-{self.model_dump_json()}" if self.how else ""


@dataclass(frozen=True)
class ChosenSplit:
    """The manifest's column `split`, and the facts that go with it into `DatasetInfo`."""

    column: pd.Series[str]
    facts: dict[str, object]


def chosen_split(dataset: RetrievalDataset, choice: SplitChoice) -> ChosenSplit:
    """Split a data set that is being imported.

    Args:
        dataset: data set with the split that its source gave, which may be none.
        choice: split that was asked for.

    Raises:
        DatasetError: no such choice, or it does not fit; also when a query, or another image of
            its group, is in the database.
    """
    given = dataset.manifest["split"]
    has_given = bool((given == "query").any() and given.isin(["database", "train"]).any())
    if not choice.how:
        if not has_given:
            return ChosenSplit(given, {})
        default = dataset.info.default_protocol
        protocol = GIVEN if default == "holdout" else default
        return ChosenSplit(given, {"default_protocol": protocol, "split": "as the source gives it"})
    if choice.how == STRATIFIED:
        made = _stratified(dataset, choice)
    elif choice.how in PROTOCOLS:
        words = "as the source gives it" if choice.how == GIVEN else ""
        made = ChosenSplit(given, {"default_protocol": choice.how, "split": words})
    else:
        raise DatasetError(unknown("split", choice.how, (STRATIFIED, *PROTOCOLS)))
    made.facts["split_seed"] = choice.seed
    _check(dataset, made, choice.seed)
    return made


def _stratified(dataset: RetrievalDataset, choice: SplitChoice) -> ChosenSplit:
    """Queries, training images and the rest of the database, whole groups at a time."""
    import pandas as pd

    shares = [choice.queries, (1 - choice.queries) * choice.train]
    names = ["query", "train"]
    if choice.train < 1:
        shares.append(1 - sum(shares))
        names.append("database")
    sets = dataset.info.label_sets
    labels = dataset.labels(sets[0]) if sets else np.zeros((len(dataset), 0), bool)
    group_of, groups = pd.factorize(dataset.manifest["group"])
    of_group = np.zeros((len(groups), labels.shape[1]), bool)
    np.logical_or.at(of_group, group_of, labels)
    part = stratify(of_group, shares, np.random.default_rng(choice.seed))[group_of]
    column = pd.Series(np.array(names, dtype=object)[part], index=dataset.manifest.index)
    kind = "at random" if not sets else f"by {sets[0].name}"
    way = "iterative stratification" if sets and sets[0].kind == "multi" else "stratified"
    words = f"{way} {kind}, {100 * choice.queries:g} % queries"
    if choice.train < 1:
        words += f", {100 * choice.train:g} % of the database trains"
    return ChosenSplit(column, {"default_protocol": GIVEN, "split": words})


def _check(dataset: RetrievalDataset, made: ChosenSplit, seed: int) -> None:
    """Make the split that evaluation will make, which checks that its parts are disjoint."""
    info = dataset.info
    manifest = dataset.manifest.assign(split=made.column)
    split_of = RetrievalDataset(info, manifest, dataset.folder)
    protocol = PROTOCOLS[str(made.facts["default_protocol"])]
    make_split(split_of, protocol, info.label_sets[0] if info.label_sets else None, seed)
