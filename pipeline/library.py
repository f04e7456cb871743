"""Operations on an imported data set: rename and export."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path

from pipeline.datasets.dataset import (
    DatasetError,
    DatasetInfo,
    RetrievalDataset,
    load_dataset,
)
from pipeline.deletions import dependents_of, existing_dataset
from pipeline.files import check_room, write_atomic
from pipeline.ingest.ingest import check_name, one_at_a_time
from pipeline.ingest.layouts.table_columns import OWN_LABELS
from pipeline.progress import Progress, ignore_progress
from pipeline.settings import Settings
from pipeline.sums import move


def rename_dataset(name: str, settings: Settings, *, to: str = "", title: str = "") -> DatasetInfo:
    """Give a data set another name, another title, or both; verdicts and tags go with it.

    Raises:
        DatasetError: no such data set, the name is not usable or taken, or runs refer to the old.
    """
    info = load_facts(name, settings)
    runs = dependents_of(name, settings).runs
    if to and to != name:
        check_name(to)
        if runs:
            raise DatasetError(
                f"{len(runs)} runs refer to {name!r}, so its name stays; give it another title "
                f"(--title), or delete the runs first"
            )
        if (settings.datasets_path / to).exists():
            raise DatasetError(f"there is a data set {to!r} already")
        if taken := [path for path in _annotations(to, settings) if path.exists()]:
            raise DatasetError(
                f"what people said about an earlier data set {to!r} is kept in {taken[0]}; choose "
                "another name, or move that away"
            )
    changed = info.model_copy(update={"name": to or name, "title": title or info.title})
    with one_at_a_time(name, settings):
        folder = settings.datasets_path / name
        write_atomic(folder / "dataset.json", changed.model_dump_json(indent=2) + "\n")
        if changed.name != name:
            folder.rename(settings.datasets_path / changed.name)
            moves = zip(_annotations(name, settings), _annotations(to, settings), strict=True)
            for old, new in moves:
                if old.exists():
                    move(old, new)
            shutil.rmtree(settings.home / "thumbs" / name, ignore_errors=True)
    return changed


def _annotations(name: str, settings: Settings) -> list[Path]:
    """Where verdicts, judging rounds and tags of a data set are kept."""
    home = settings.home
    return [home / "verdicts" / name, home / "judging" / name, home / "tags" / f"{name}.json"]


def export_dataset(
    dataset: RetrievalDataset, target: Path, on_progress: Progress = ignore_progress
) -> Path:
    """Write images, metadata.jsonl and dataset.json into a zip; importing it gives equal content.

    Args:
        dataset: data set to export.
        target: a file that does not exist yet, ending in `.zip`.
        on_progress: called with images done and images in all.

    Raises:
        DatasetError: the target is no new zip file.
        ImageError: an image is gone or has changed.
        OSError: the disk has no room.
    """
    if not dataset.has_pictures:
        raise DatasetError(
            f"{dataset.info.name!r} is made of vectors and has no pictures to export; keep the "
            "file of vectors"
        )
    if target.suffix.lower() != ".zip" or target.exists() or not target.parent.is_dir():
        raise DatasetError(f"{target} must be a new .zip file in a folder that exists")
    paths = [dataset.image_path(row) for row in range(len(dataset))]
    check_room(target.parent, sum(path.stat().st_size for path in paths))
    partial = target.with_name(f".{target.name}.part")
    try:
        with zipfile.ZipFile(partial, "w", zipfile.ZIP_STORED) as archive:
            lines = []
            for row, path in enumerate(paths):
                sha256 = str(dataset.manifest["sha256"].iloc[row])
                name = f"images/{sha256[:2]}/{sha256}{path.suffix}"
                dataset.load_image(row)  # refuses one that has changed
                archive.write(path, name)
                lines.append(json.dumps(_metadata(dataset, row, name), ensure_ascii=False))
                on_progress(row + 1, len(paths))
            archive.writestr("metadata.jsonl", "\n".join(lines) + "\n")
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    return target


def load_facts(name: str, settings: Settings) -> DatasetInfo:
    """The facts of a data set, damaged images or not.

    Raises:
        DatasetError: no such data set.
    """
    existing_dataset(name, settings)
    return load_dataset(name, settings).info


def _metadata(dataset: RetrievalDataset, row: int, name: str) -> dict[str, object]:
    """One line of metadata.jsonl, in the words that the import of an imagefolder knows."""
    record = dataset.manifest.iloc[row]
    labels = {
        f"{OWN_LABELS}{labels.name}": list(record[f"{OWN_LABELS}{labels.name}"])
        for labels in dataset.info.label_sets
    }
    texts = {column: str(record[column]) for column in ("image_id", "text", "group", "split")}
    return {"file_name": name, **texts, **labels}
