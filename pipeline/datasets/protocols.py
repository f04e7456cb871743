"""Protocols: how a data set is split and what is measured, under the names used in the field.

Ids say the data set and the size of the database; "I" and "II" mean different things in different
papers, so they are not used (docs/evaluation.md).
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Protocol(BaseModel):
    """One evaluation protocol. Stored whole in every report, so that a number always carries it.

    Relevance: a database item is relevant when it shares at least one label with the query.
    Ties: expectation over all orders inside a distance. Denominator of AP@R: min(R_q, R).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    summary: str = Field(description="One sentence for people.")
    queries: Literal["given", "per_class", "share"] = Field(
        description="given: the import's own split; per_class: a count a class; share: stratified."
    )
    query_size: float = Field(0, ge=0, description="Queries per class, or the share of all items.")
    query_limit: int = Field(1000, ge=1, description="Most queries taken by 'share'.")
    train_per_class: int | None = Field(
        None, description="Training items per class; None: the whole database trains."
    )
    train_in_database: bool = Field(
        True, description="Whether training items stay in the database."
    )
    cutoff: int | None = Field(None, ge=1, description="Ranks R counted in mAP@R; None: all.")
    dataset: str | None = Field(None, description="The only data set it is for; None: any.")


_LIST = (
    Protocol(
        name="holdout",
        summary="A stratified fifth of the images (at most 1,000) are queries; "
        "the rest is database and training set; mAP@all.",
        queries="share",
        query_size=0.2,
    ),
    Protocol(
        name="given",
        summary="The query, database and training sets that came with the data set.",
        queries="given",
    ),
    Protocol(
        name="cifar10-59k",
        summary="1,000 queries (100 a class), 59,000 database, of which 5,000 (500 a class) "
        "train; mAP@all.",
        queries="per_class",
        query_size=100,
        train_per_class=500,
        dataset="cifar10",
    ),
    Protocol(
        name="cifar10-54k",
        summary="1,000 queries (100 a class), 5,000 training images (500 a class) kept out of the "
        "54,000 database; mAP@all.",
        queries="per_class",
        query_size=100,
        train_per_class=500,
        train_in_database=False,
        dataset="cifar10",
    ),
    Protocol(
        name="cifar10-50k-full",
        summary="The 10,000 test images are queries, the 50,000 training images are database and "
        "training set; mAP@all.",
        queries="given",
        dataset="cifar10",
    ),
    Protocol(
        name="cifar10-50k-5k",
        summary="The 10,000 test images are queries, the 50,000 others the database, of which "
        "5,000 (500 a class) train; mAP@1000.",
        queries="given",
        train_per_class=500,
        cutoff=1000,
        dataset="cifar10",
    ),
)
PROTOCOLS: dict[str, Protocol] = {protocol.name: protocol for protocol in _LIST}
