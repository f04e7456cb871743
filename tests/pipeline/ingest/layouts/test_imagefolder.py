"""Metadata beside images, as Hugging Face allows it and as people write it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.datasets.dataset import DatasetError
from pipeline.ingest.source import Source
from pipeline.ingest.sources import SourceRequest
from pipeline.ingest.sources.folder import open_files
from tests.layout_writers import pictures, put, put_images


def opened(root: Path, files: dict[str, str]) -> Source:
    for part in ("train", "test"):
        put_images(root, pictures(2) if part == "train" else pictures(4)[2:], part)
    for name, content in files.items():
        put(root, name, content)
    found = open_files(SourceRequest(name="set", path=root))
    assert found.guesses[0].layout == "imagefolder"
    return found.source


def facts(source: Source) -> list[tuple[str, ...]]:
    return [(*item.labels["class"], item.split) for item in source.items]


@pytest.mark.parametrize(
    "column", ["file_name", "image_file_name", "photo_file_name", "image", "path", "picture"]
)
def test_the_paths_are_in_file_name_or_in_what_is_meant_by_it(tmp_path: Path, column: str) -> None:
    source = opened(
        tmp_path / "set",
        {
            "train/metadata.csv": f"label,{column}\ncat,000.png\ndog,001.png\n",
            "test/metadata.csv": f"label,{column}\ncat,002.png\ndog,003.png\n",
        },
    )

    assert facts(source) == [("cat", "query"), ("dog", "query"), ("cat", "train"), ("dog", "train")]


def test_the_image_comes_before_other_files_of_a_row(tmp_path: Path) -> None:
    rows = [f'{{"mask_file_name": "{i}.gif", "image_file_name": "00{i}.png"}}' for i in (0, 1)]
    labelled = [
        row.replace("}", f', "label": "{name}"}}') for row, name in zip(rows, "ab", strict=True)
    ]

    source = opened(tmp_path / "set", {"train/metadata.jsonl": "\n".join(labelled)})

    assert facts(source) == [("a", "train"), ("b", "train")]


def test_metadata_without_paths_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="has a column with the paths of the images"):
        opened(tmp_path / "set", {"train/metadata.csv": "label,colour\ncat,red\ndog,blue\n"})


def test_damaged_metadata_of_one_part_is_a_problem_of_that_part(tmp_path: Path) -> None:
    files = {
        "train/metadata.jsonl": '{"file_name": "000.png", "label": "cat"}\n',
        "test/metadata.jsonl": '{"file_name" "002.png"\n',
    }

    source = opened(tmp_path / "set", files)

    assert facts(source) == [("cat", "train")]
    assert "test/metadata.jsonl" in {problem.file for problem in source.problems}
