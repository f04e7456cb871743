"""Tags: words that people put on images of a data set, such as "review" or "bad label".

    tags/<data set>.json   {"<sha256>": ["bad label", "review"]}

Images are named by the SHA-256 of their bytes, so tags outlive runs, and a data set that is
imported again gets them back. Tags say nothing to a method or a metric.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from filelock import FileLock
from pydantic import TypeAdapter

from pipeline.datasets.dataset import NAME_PATTERN, RetrievalDataset
from pipeline.files import reading, write_atomic
from pipeline.settings import Settings
from pipeline.sums import read_checked

LONGEST = 40  # characters of a tag
_TAGS = TypeAdapter(dict[str, list[str]])
_MEND = "put the file of a backup back, or move it away: the tags in it are lost then"


class TagError(ValueError):
    """A tag is none, or the file of tags is damaged."""


@dataclass(frozen=True)
class Tags:
    """The tags of one data set; safe for several processes."""

    path: Path

    @classmethod
    def of(cls, dataset: str, settings: Settings) -> Tags:
        """Open the tags of a data set in the library; there may be none so far.

        Raises:
            ValueError: the data set's name is none.
        """
        if not re.fullmatch(NAME_PATTERN, dataset):
            raise ValueError(f"{dataset!r} is no name of a data set")
        return cls(settings.home / "tags" / f"{dataset}.json")

    def all(self) -> dict[str, tuple[str, ...]]:
        """Tags in alphabetical order, by the SHA-256 of the image; only images that have some.

        Raises:
            TagError: the file is damaged.
            OSError: it cannot be read.
        """
        if not self.path.exists():
            return {}
        with reading(self.path, _MEND, TagError):
            stored = _TAGS.validate_json(read_checked(self.path))
        return {image: tuple(sorted(tags)) for image, tags in stored.items() if tags}

    def put(self, images: Collection[str], tag: str) -> None:
        """Put a tag on images, given by their SHA-256.

        Raises:
            TagError: the tag is empty or longer than 40 characters, or the file is damaged.
            OSError: it cannot be stored.
        """
        tag = " ".join(tag.split())
        if not 1 <= len(tag) <= LONGEST:
            raise TagError(f"a tag has 1 to {LONGEST} characters, got {len(tag)}")
        self._change(images, tag, is_wanted=True)

    def take(self, images: Collection[str], tag: str) -> None:
        """Take a tag from images; those without it stay as they are.

        Raises:
            TagError: the file is damaged.
            OSError: it cannot be stored.
        """
        self._change(images, tag, is_wanted=False)

    def _change(self, images: Collection[str], tag: str, *, is_wanted: bool) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(self.path.with_suffix(".lock")):
            tags = {image: set(words) for image, words in self.all().items()}
            for image in images:
                words = tags.setdefault(image, set())
                words.add(tag) if is_wanted else words.discard(tag)
            kept = {image: sorted(words) for image, words in sorted(tags.items()) if words}
            write_atomic(self.path, json.dumps(kept, ensure_ascii=False, indent=1))


def tag_table(dataset: RetrievalDataset, tags: Mapping[str, tuple[str, ...]]) -> pd.DataFrame:
    """The tagged images of a data set; columns image, sha256, tags (separated by semicolons)."""
    manifest = dataset.manifest[dataset.manifest["sha256"].isin(tags.keys())]
    return pd.DataFrame(
        {
            "image": manifest["image_id"].to_numpy(),
            "sha256": manifest["sha256"].to_numpy(),
            "tags": ["; ".join(tags[image]) for image in manifest["sha256"]],
        }
    )
