"""VectorsRequest: all about one import of own vectors; command line and page both make it."""

from __future__ import annotations

import shlex
from functools import reduce
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from models.backbones.vectors import PREFIX
from pipeline.options import OPTION, options

QDRANT = "qdrant:"


class VectorsRequest(BaseModel):
    """What to import and how; its fields are the options of `features import`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset: str = Field(description="The data set whose images the vectors are of.")
    source: str = Field(
        min_length=1, description="A file (npy, npz, parquet, mat ...), or qdrant:COLLECTION."
    )
    name: str = Field("", description="Name of the backbone, such as dinov3-b; empty: the file's.")
    vectors: tuple[str, ...] = Field(
        (),
        description="Array, column or variable of the vectors, or the name of the vector in "
        "Qdrant; several are put one below the other.",
    )
    ids: tuple[str, ...] = Field(
        (),
        description="Ids or paths of the images: a file, an array or column of the source, or a "
        "payload field; empty: looked for, else the order of the images.",
    )
    id_column: str = Field("", description="Column of the file of ids.")
    labels: tuple[str, ...] = Field(
        (), description="With --new: labels, as a file or in the source."
    )
    label_column: str = Field("", description="Column of the file of labels.")
    new: bool = Field(False, description="Make a data set of the vectors, without pictures.")
    unit: bool = Field(
        False,
        description="Scale every vector to length 1.",
        json_schema_extra={OPTION: "--unit-length"},
    )

    @property
    def is_qdrant(self) -> bool:
        """Whether the vectors lie in a Qdrant collection."""
        return self.source.startswith(QDRANT)

    @property
    def backbone(self) -> str:
        """Name of the backbone that the vectors become."""
        stem = self.source.removeprefix(QDRANT).replace("\\", "/").rpartition("/")[2]
        return PREFIX + (self.name or stem.partition(".")[0])

    def command(self) -> str:
        """The command line that does the same."""
        words = ["python", "-m", "pipeline", "features", "import", self.dataset, self.source]
        for option in options(VectorsRequest):
            if option.path not in (("dataset",), ("source",)):
                words += option.words(reduce(_field, option.path, self))
        return shlex.join(words)


def _field(of: Any, name: str) -> Any:
    return getattr(of, name)
