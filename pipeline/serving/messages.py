"""What requests and answers look like; docs and checks are made from it."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Literal, Self, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, model_validator

from pipeline.watch.measures import Kind

MOST_RESULTS = 1000
MOST_CHARACTERS = 2000
KINDS: tuple[Kind, ...] = get_args(Kind)


def _from_base64(value: object) -> object:
    if isinstance(value, str):
        try:
            return base64.b64decode(value, validate=True)
        except binascii.Error as error:
            raise ValueError(f"no base64: {error}") from error
    return value


Content = Annotated[
    bytes,
    BeforeValidator(_from_base64, json_schema_input_type=str),
    PlainSerializer(lambda content: base64.b64encode(content).decode(), return_type=str),
]


class Query(BaseModel):
    """One query: exactly one of image, id, code, vector, text."""

    model_config = ConfigDict(extra="forbid")

    run: str = Field(
        min_length=1, max_length=200, description="A run's id, or an unambiguous part of it."
    )
    image: Content | None = Field(None, description="Content of an image file, in base64.")
    id: str | None = Field(
        None, max_length=MOST_CHARACTERS, description="Id of an image of the run's data set."
    )
    code: str | None = Field(
        None, pattern=r"^([0-9a-fA-F]{2})+$", description="A packed code in hexadecimal digits."
    )
    vector: list[float] | None = Field(
        None, min_length=1, max_length=65536, description="Features by the run's backbone."
    )
    text: str | None = Field(
        None, min_length=1, max_length=MOST_CHARACTERS, description="Words, with a text tower."
    )

    @model_validator(mode="after")
    def _one_query(self) -> Self:
        given = [kind for kind in KINDS if getattr(self, kind) is not None]
        if len(given) != 1:
            raise ValueError(
                f"give one of {', '.join(KINDS)}; got {', '.join(given) or 'none of them'}"
            )
        return self

    @property
    def kind(self) -> Kind:
        """Which of them it is."""
        return next(kind for kind in KINDS if getattr(self, kind) is not None)


class Search(Query):
    """A query, and what is wanted of it."""

    k: int = Field(10, ge=1, le=MOST_RESULTS, description="Most results.")
    max_distance: int | None = Field(None, ge=0, description="Only at this distance or nearer.")
    labels: list[str] = Field([], description="Only with any of these labels.")
    split: str = Field("", description="Only of this part: train, database, query ...")
    contains: str = Field("", max_length=MOST_CHARACTERS, description="Only with all these words.")
    order: Literal["within", "codes"] = Field(
        "within",
        description="within: equally near images by the cosine of their features; codes: by id.",
    )


class Encoded(BaseModel):
    """The code of a query."""

    run: str
    bits: int
    code: str = Field(description="Packed, in hexadecimal digits.")
    seconds: float = Field(description="From query to code.")


class Hit(BaseModel):
    """One image found."""

    id: str
    sha256: str
    distance: int = Field(description="Bits that differ.")
    labels: list[str]
    text: str
    split: str


class Found(Encoded):
    """Results of a search, the nearest first."""

    hits: list[Hit]
    is_cut: bool = Field(description="Whether more images lie at the last distance.")
    order: Literal["within", "codes"] = Field(description="What sorted equally near images.")
    notes: list[str] = Field(description="What was done otherwise than asked, and why.")
    search_seconds: float


class DatasetFacts(BaseModel):
    """A data set."""

    name: str
    title: str
    images: int
    label_sets: list[str]
    licence: str
    attribution: str


class RunFacts(BaseModel):
    """A run."""

    id: str
    dataset: str
    method: str
    backbone: str
    bits: int
    state: str
    map: float | None = Field(description="Measured mAP in [0, 1]; null where it was not.")
    is_published: bool = Field(description="Whether an index holds its codes.")


class Datasets(BaseModel):
    """All data sets."""

    datasets: list[DatasetFacts]


class Runs(BaseModel):
    """All runs, newest first."""

    runs: list[RunFacts]


class Problem(BaseModel):
    """Why a request was not answered."""

    error: str = Field(description="A sentence.")
    code: str = Field(description="bad_request, not_found, too_large, busy, unavailable ...")
    field: str = Field("", description="Field of the request that it is about.")
