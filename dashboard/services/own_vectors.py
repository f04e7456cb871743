"""Own vectors on the Import page without Streamlit: uploaded files become a plan."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from pipeline.settings import Settings
from pipeline.vectors.importing import VectorsPlan, plan_vectors
from pipeline.vectors.request import VectorsRequest

SUFFIXES = ("npy", "npz", "parquet", "mat", "safetensors", "csv", "json", "jsonl", "arrow")
ID_SUFFIXES = (*SUFFIXES, "txt")
MOST_MB = 2000
File = tuple[str, bytes]  # name and content


def plan_of_files(
    request: VectorsRequest, vectors: File | None, ids: File | None, settings: Settings
) -> VectorsPlan:
    """The plan of an import from uploaded files, which are on the disk only meanwhile.

    Args:
        request: as people have filled it in; its source is used where there is no file.
        vectors: the file of vectors; None for a collection of Qdrant.
        ids: a file of ids; None where there is none.
        settings: say where the library is.

    Raises:
        DatasetError, StoreError, ValueError: as for `plan_vectors`.
    """
    with tempfile.TemporaryDirectory() as folder:
        changes: dict[str, object] = {}
        if vectors is not None:
            changes["source"] = str(_put(Path(folder, "vectors"), vectors))
        if ids is not None:
            changes["ids"] = (str(_put(Path(folder, "ids"), ids)),)
        return plan_vectors(request.model_copy(update=changes), settings)


def names(text: str) -> tuple[str, ...]:
    """Names that are separated by commas."""
    return tuple(word.strip() for word in text.split(",") if word.strip())


def shown_notes(plan: VectorsPlan) -> Sequence[str]:
    """How the source was understood, a sentence each."""
    return [note[:1].upper() + note[1:] for note in plan.notes]


def _put(folder: Path, file: File) -> Path:
    folder.mkdir()
    name, content = file
    path = folder / Path(name.replace("\\", "/")).name  # never a path of the sender
    path.write_bytes(content)
    return path
