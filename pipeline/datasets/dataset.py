"""Data sets on disk: a manifest (parquet), facts (dataset.json) and the images.

datasets/<name>/dataset.json      DatasetInfo
datasets/<name>/manifest.parquet  one row per image, see `MANIFEST_COLUMNS`
datasets/<name>/problems.csv      files that were not taken as they are: file, reason, action, kind
datasets/<name>/images/ab/<sha256>.<suffix>
"""

from __future__ import annotations

import hashlib
import json
import re
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import BaseModel, ConfigDict, Field

from models.wording import unknown
from pipeline.datasets.manifest import read_manifest
from pipeline.datasets.problems import SCALED, read_problems
from pipeline.decoding.value_range import ValueRange
from pipeline.files import ParsedFiles, reading
from pipeline.images import ImageError, load_rgb
from pipeline.settings import Settings
from pipeline.sums import read_checked
from pipeline.wording import COMMAND

if TYPE_CHECKING:
    import pandas as pd

FORMAT = 1
KEY_BYTES = 32
Keys = NDArray[np.uint8]  # (n, 32)
_Numbered = tuple[NDArray[np.int64], list[tuple[str, ...]]]
NAME_PATTERN = r"[a-z0-9][a-z0-9_-]{0,40}"  # names become folders, run ids and collections
MANIFEST_COLUMNS = (
    "image_id",  # the source's own name of the image
    "sha256",  # of the file's bytes: the identity used by features and index
    "path",  # relative to images/, or absolute when the images were linked
    "width",
    "height",
    "numbers",  # NumPy type of more than 8 bits per channel, else empty; missing in old manifests
    "text",  # caption or name, may be empty
    "group",  # images of one group never fall on both sides of a split
    "split",  # query, database, train (= database and training set) or empty
)  # and one column `labels:<label set>` a label set, a list of class names


class DatasetError(ValueError):
    """A data set is missing, damaged or does not fit; the message says what to do."""


class LabelSet(BaseModel):
    """One way of labelling: its classes, and whether an image has one or several of them.

    Attributes:
        came_later: whether it was joined after the import; images that are added may lack it.
        split_by: label set that splits are drawn by, empty for none, so that runs from before it
            came can be measured by it; None: by itself.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    kind: Literal["single", "multi"]
    classes: tuple[str, ...]
    came_later: bool = False
    split_by: str | None = None

    @property
    def drawn_by(self) -> str:
        """Name of the label set that splits are drawn by; empty for none."""
        return self.name if self.split_by is None else self.split_by

    def column(self, name: str) -> int:
        """The column of a class in the multi-hot labels.

        Raises:
            DatasetError: no such class.
        """
        if name not in self.classes:
            raise DatasetError(unknown(f"class of {self.name}", name, self.classes))
        return self.classes.index(name)


class DatasetInfo(BaseModel):
    """Facts about an imported data set (dataset.json).

    Attributes:
        split: how the split of the manifest was made, in words; empty when none was chosen.
        split_seed: seed of the default protocol's or the chosen split's random draws.
        manifest: file name; images are added under a new one, so that facts and rows always fit.
        grown_from: fingerprints and sizes of earlier states, before images or labels were added;
            their rows still come first.
        value_ranges: ranges that images of more than 8 bits per channel are scaled by, one per kind
            of numbers; None for data sets of earlier versions, whose images are scaled one by one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int = FORMAT
    name: str
    title: str
    summary: str
    licence: str
    attribution: str
    default_protocol: str
    label_sets: tuple[LabelSet, ...]
    n: int
    n_problems: int
    fingerprint: str
    created: str
    split: str = ""
    split_seed: int = 0
    manifest: str = Field("manifest.parquet", pattern=r"^manifest[0-9a-f-]*\.parquet$")
    grown_from: tuple[tuple[str, int], ...] = ()
    value_ranges: tuple[ValueRange, ...] | None = None

    @property
    def fingerprints(self) -> tuple[str, ...]:
        """Fingerprint of this state, then those of earlier ones whose rows it still has."""
        return (self.fingerprint, *(fingerprint for fingerprint, _ in self.grown_from))

    @property
    def same_images(self) -> tuple[str, ...]:
        """Fingerprint of this state, and of earlier ones that lacked label sets but no images."""
        earlier = (fingerprint for fingerprint, n in self.grown_from if n == self.n)
        return (self.fingerprint, *earlier)

    @property
    def imported_labels(self) -> tuple[LabelSet, ...]:
        """The label sets that came with the images."""
        return tuple(labels for labels in self.label_sets if not labels.came_later)

    @property
    def scaling_summary(self) -> str:
        """Ranges that images of more than 8 bits per channel are scaled by; empty for none."""
        return ", ".join(
            f"{value_range.numbers} from {value_range}" for value_range in self.value_ranges or ()
        )

    @property
    def split_summary(self) -> str:
        """Protocol, seed and how the split came about, to be shown wherever the data set is."""
        how = self.split or "split drawn at evaluation"
        return f"protocol {self.default_protocol}, seed {self.split_seed} ({how})"


@dataclass(frozen=True)
class RetrievalDataset:
    """An imported data set: facts, manifest and access to its images. Shared, so never changed."""

    info: DatasetInfo
    manifest: pd.DataFrame
    folder: Path
    _numbered: dict[str, _Numbered] = field(default_factory=dict, init=False, compare=False)

    def __len__(self) -> int:
        return len(self.manifest)

    @property
    def has_pictures(self) -> bool:
        """Whether there are image files; a data set made of vectors has none."""
        return bool(self.manifest["path"].iloc[:1].all())

    def label_set(self, name: str = "") -> LabelSet:
        """The label set called `name`, or the first one.

        Raises:
            DatasetError: there is none of that name, or none at all.
        """
        sets = {labels.name: labels for labels in self.info.label_sets}
        if not sets:
            raise DatasetError(f"data set {self.info.name!r} has no labels")
        if name and name not in sets:
            raise DatasetError(unknown(f"label set of {self.info.name}", name, tuple(sets)))
        return sets[name] if name else self.info.label_sets[0]

    def label_names(self, label_set: LabelSet) -> list[tuple[str, ...]]:
        """The class names of every image, in manifest order."""
        return [tuple(names) for names in self.manifest[f"labels:{label_set.name}"]]

    def labels(self, label_set: LabelSet) -> NDArray[np.bool_]:
        """Multi-hot labels (n, C).

        Raises:
            DatasetError: the manifest has another class.
        """
        numbers, distinct = self._named(label_set.name)
        place = {name: index for index, name in enumerate(label_set.classes)}
        labels = np.zeros((len(distinct), len(label_set.classes)), bool)
        for row, names in enumerate(distinct):
            if unknown_names := [name for name in names if name not in place]:
                raise DatasetError(
                    f"the manifest of {self.info.name!r} has {unknown_names[0]!r}, which is "
                    f"no class of {label_set.name}; import it again"
                )
            labels[row, [place[name] for name in names]] = True
        return labels[numbers]

    def _named(self, label_set: str) -> _Numbered:
        """Of each image (n,) a number, and the class names that it stands for."""
        import pandas as pd

        if label_set not in self._numbered:
            numbers, distinct = pd.factorize(self.manifest[f"labels:{label_set}"].map(tuple))
            self._numbered[label_set] = numbers.astype(np.int64), list(distinct)
        return self._numbered[label_set]

    def image_path(self, index: int) -> Path:
        """The file of image `index`."""
        return self.folder / "images" / str(self.manifest["path"].iloc[index])

    def load_image(self, index: int) -> Image.Image:
        """Image `index` as RGB.

        Raises:
            ImageError: the file is gone, damaged, or (when linked) changed since the import.
        """
        if not self.has_pictures:
            raise ImageError(f"{self.info.name!r} is made of vectors and has no pictures")
        path = self.image_path(index)
        try:
            content = path.read_bytes()
        except OSError as error:
            raise ImageError(f"{path} cannot be read: {error.strerror}") from error
        if hashlib.sha256(content).hexdigest() != self.manifest["sha256"].iloc[index]:
            raise ImageError(f"{path} has changed since it was imported; import the data set again")
        return self.read_image(content)

    def read_image(self, source: Path | bytes) -> Image.Image:
        """An image from anywhere as RGB, scaled like those of the data set.

        Raises:
            ImageError: the image is damaged, too large or of no supported format.
        """
        return load_rgb(source, self.info.value_ranges or ())

    @cached_property
    def scaling(self) -> list[str]:
        """Rule that makes 8 bits per channel of each image; empty where it has no more."""
        if self.info.value_ranges is not None and "numbers" in self.manifest:
            rules = {
                value_range.numbers: value_range.model_dump_json()
                for value_range in self.info.value_ranges
            }
            return [rules.get(numbers, "") for numbers in self.manifest["numbers"]]
        noted = {p.file for p in read_problems(self.folder / "problems.csv") if SCALED in p.reason}
        return ["by itself" if name in noted else "" for name in self.manifest["image_id"]]

    def pixel_keys(self, rows: NDArray[np.int64] | None = None) -> Keys:
        """Digests (n, 32) of what the pixels of images depend on: the file and its scaling.

        Args:
            rows: manifest rows (n,); None: all.
        """
        return self._keys if rows is None else self._keys[rows]

    @cached_property
    def _keys(self) -> Keys:
        digests = self.manifest["sha256"].to_numpy(dtype=object)
        keys = np.frombuffer(bytearray.fromhex("".join(digests)), np.uint8).reshape(-1, KEY_BYTES)
        for row, rule in enumerate(self.scaling):
            if rule:
                own = hashlib.sha256(f"{digests[row]} {rule}".encode()).digest()
                keys[row] = np.frombuffer(own, np.uint8)
        keys.flags.writeable = False
        return keys


_MOST_OPEN = 4  # data sets that are remembered
_MANIFESTS = ParsedFiles(read_manifest, _MOST_OPEN)
_LAST: dict[Path, RetrievalDataset] = {}


def list_datasets(settings: Settings) -> list[DatasetInfo]:
    """Facts of all imported data sets, by name; `damaged_datasets` has the others."""
    infos = []
    for folder in dataset_folders(settings):
        with suppress(DatasetError):
            infos.append(read_info(folder))
    return infos


def load_dataset(name: str, settings: Settings) -> RetrievalDataset:
    """Open an imported data set.

    Raises:
        DatasetError: it is not there, or damaged; the message says how to get it.
    """
    folder = settings.datasets_path / name
    if not (re.fullmatch(NAME_PATTERN, name) and (folder / "dataset.json").is_file()):
        known = tuple(info.name for info in list_datasets(settings))
        hint = unknown("data set", name, known)
        raise DatasetError(f"{hint} Import it with: {COMMAND} datasets import {name}")
    info = read_info(folder)
    path = folder / info.manifest
    with reading(path, again_command(name), DatasetError):
        manifest = _MANIFESTS.read(path)
        if len(manifest) != info.n:
            raise ValueError(f"it has {len(manifest)} rows, not {info.n}")
    last = _LAST.get(folder)
    if last is None or last.manifest is not manifest or last.info != info:
        _LAST.pop(next(iter(_LAST)) if len(_LAST) >= _MOST_OPEN else folder, None)
        last = _LAST[folder] = RetrievalDataset(info, manifest, folder)
    return last


def read_info(folder: Path) -> DatasetInfo:
    """The facts of a data set in its folder.

    Raises:
        DatasetError: dataset.json is missing, damaged or of a newer version.
    """
    path = folder / "dataset.json"
    with reading(path, again_command(folder.name), DatasetError):
        content = read_checked(path)
        stored = json.loads(content)
        number = stored.get("format", FORMAT) if isinstance(stored, dict) else FORMAT
        if number != FORMAT:
            raise DatasetError(
                f"{path} has format {number}, this version reads {FORMAT}; use the version of "
                "HashLens that wrote it"
            )
        return DatasetInfo.model_validate_json(content)


def dataset_folders(settings: Settings) -> list[Path]:
    """Folders of data sets; one whose facts are gone still has its manifest."""
    folders = sorted(settings.datasets_path.glob("[!.]*"))
    return [
        folder
        for folder in folders
        if (folder / "dataset.json").exists() or any(folder.glob("manifest*"))
    ]


def again_command(name: str) -> str:
    """What brings a damaged data set back."""
    return (
        f"delete the data set and import it again: {COMMAND} datasets delete {name}, "
        f"{COMMAND} datasets import PATH --name {name}"
    )
