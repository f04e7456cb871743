"""Codes of a run for other programs: NumPy, a binary index of faiss, a snapshot of Qdrant.

codes.npy       (n, ceil(K / 8)) uint8, first bit = highest of the first byte; padding is 0
codes.faiss     an IndexBinaryFlat of the same rows, for `faiss.read_index_binary`
codes.ids.csv   beside either: which image each row is
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np

from pipeline.datasets.dataset import RetrievalDataset
from pipeline.files import check_room, write_atomic
from pipeline.index.coverage import searched_codes
from pipeline.index.payloads import splits_of_rows
from pipeline.index.publish import searched_images
from pipeline.runs.run import Run
from pipeline.sharing.onnx_file import ExportError
from pipeline.spreadsheets import to_csv

SUFFIXES = (".npy", ".faiss")


def write_codes(run: Run, dataset: RetrievalDataset, target: Path) -> Path:
    """Write the codes of all images that the run's index covers, and which images they are.

    Args:
        run: whose codes.
        dataset: of the run.
        target: ends in `.npy` or `.faiss`; replaced if it is there.

    Returns:
        The table of images beside it.

    Raises:
        ExportError: the name ends otherwise.
        RunError: codes are missing or damaged, or of other content.
        OSError: the disk has no room.
    """
    if target.suffix not in SUFFIXES:
        raise ExportError(f"{target} must end in {' or '.join(SUFFIXES)}")
    run.check_dataset(*dataset.info.fingerprints)
    codes, rows = searched_codes(run, searched_images(run))
    check_room(target.absolute().parent, 2 * codes.packed.nbytes)
    if target.suffix == ".npy":
        content = io.BytesIO()
        np.save(content, codes.packed)
        write_atomic(target, content.getvalue(), is_noted=False)
    else:
        from pipeline.runs.codecs import binary_index  # loads faiss

        write_atomic(target, binary_index(codes), is_noted=False)
    chosen = dataset.manifest.iloc[rows][["image_id", "sha256", "text"]]
    table = chosen.assign(split=splits_of_rows(run, dataset, rows))
    beside = target.with_name(f"{target.stem}.ids.csv")
    write_atomic(beside, to_csv(table), is_noted=False)
    return beside
