"""Every kind of stored file, damaged in four ways: the doctor names it, and mends what it can."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.annotations.bit_names import BitNames
from pipeline.annotations.tags import Tags
from pipeline.annotations.verdicts import Verdicts
from pipeline.datasets.dataset import load_dataset
from pipeline.doctor.checkup import stored_record
from pipeline.doctor.doctor import examine, keep_result, repair
from pipeline.files import write_atomic
from pipeline.index.publish import publish
from pipeline.index.store.opening import open_store
from pipeline.runs.registry import RunRegistry
from pipeline.settings import Settings
from pipeline.stored_features import AboutFeatures, StoredFeatures, features_folder
from tests.factories import copied_library


@pytest.fixture(scope="module")
def whole(library: Settings, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A library with a file of every kind; not to be changed."""
    home = copied_library(library.home, tmp_path_factory.mktemp("whole") / "home")
    settings = Settings(home=home, threads=1)
    dataset, run = load_dataset("shapes", settings), RunRegistry(settings).all()[0]
    store = open_store(None, settings.index_path)
    publish(run, dataset, store)
    store.close()
    digests = dataset.manifest["sha256"].tolist()
    Tags.of("shapes", settings).put(digests[:2], "review")
    Verdicts.of("shapes", "class", settings).set_verdict(digests[0], digests[1], "relevant")
    BitNames(run.folder / "bit_names.json", 16).set(1, "round")
    (run.folder / "history.jsonl").write_text('{"epoch": 1, "terms": {"loss": 0.5}}\n', "utf-8")
    own = features_folder("vectors:mine", "own-1", settings)
    own.mkdir(parents=True)
    stored = StoredFeatures(own, 4)
    stored.replace_with(np.eye(4, dtype=np.float32), dataset.pixel_keys(range(4)))
    stored.describe(AboutFeatures(backbone="vectors:mine", dim=4, fingerprint="own-1"))
    thumb = home / "thumbs" / "shapes" / "160" / digests[0][:2] / f"{digests[0]}.webp"
    thumb.parent.mkdir(parents=True)
    Image.new("RGB", (8, 8)).save(thumb, "WEBP")
    for name in ("reports/shapes.json", "imports/0123456789abcdef/status.json"):
        (home / name).parent.mkdir(parents=True)
        write_atomic(home / name, '{"title": "Shapes", "items": []}')
    return settings


@pytest.fixture
def home(whole: Settings, tmp_path: Path) -> Path:
    return copied_library(whole.home, tmp_path / "home")


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "truncated": lambda content: content[: len(content) // 2],
    "flipped": lambda content: bytes([*content[:-9], content[-9] ^ 0x41, *content[-8:]]),
}
SUMMED = (
    "datasets/shapes/dataset.json",
    "datasets/shapes/manifest.parquet",
    "datasets/shapes/problems.csv",
    "datasets/shapes/images/*/*.png",
    "features/vectors-*/about.json",
    "features/vectors-*/keys.bin",
    "features/tiny-*/about.json",
    "runs/*/spec.json",
    "runs/*/run.json",
    "runs/*/codes/database.npz",
    "runs/*/codes/query.npz",
    "runs/*/model/config.json",
    "runs/*/model/weights.safetensors",
    "runs/*/report.json",
    "runs/*/curves.npz",
    "runs/*/index.json",
    "runs/*/bit_names.json",
    "index/aliases.json",
    "index/collections/*/meta.json",
    "baselines/cosine-*.json",
    "baselines/neighbours-*.npy",
    "tags/shapes.json",
    "reports/shapes.json",
    "features/tiny-*/rows.f32",
    "features/vectors-*/rows.f32",
)
BY_FORM = (  # grow or are made again all the time, and have no sum
    "runs/*/history.jsonl",
    "verdicts/shapes/*.jsonl",
    "thumbs/shapes/160/*/*.webp",
    "imports/*/status.json",
)
NEEDED = (  # are missed where they are gone
    *SUMMED[:2],
    *SUMMED[3:5],
    *SUMMED[7:13],
    "index/aliases.json",
    "index/collections/*/meta.json",
)
REBUILT = ("index/", "baselines/", "features/tiny", "runs/*/index.json", "thumbs/", "imports/")


def damaged(home: Path, pattern: str) -> Path:
    return sorted(home.glob(pattern))[0]


def named(home: Path, path: Path) -> list[str]:
    """What the doctor says of a file, or of the folder or index that it belongs to."""
    found = examine(Settings(home=home, threads=1)).problems
    name = path.relative_to(home).as_posix()
    return [one.reason for one in found if name.startswith(one.path) or one.path in str(path)]


def test_a_whole_library_has_no_problem(whole: Settings) -> None:
    checkup = examine(whole)

    assert checkup.problems == []
    assert checkup.notes == []
    assert checkup.n_files > 60


@pytest.mark.parametrize("how", DAMAGES)
@pytest.mark.parametrize("pattern", SUMMED)
def test_a_damaged_file_is_named_and_mended_where_it_can_be(
    home: Path, pattern: str, how: str
) -> None:
    path = damaged(home, pattern)
    path.write_bytes(DAMAGES[how](path.read_bytes()))

    assert named(home, path)
    if pattern.startswith(REBUILT):
        problems = examine(Settings(home=home, threads=1)).problems
        assert set(repair(problems).values()) == {""}
        assert examine(Settings(home=home, threads=1)).problems == []


@pytest.mark.parametrize("pattern", BY_FORM)
def test_what_grows_is_checked_by_its_form(home: Path, pattern: str) -> None:
    path = damaged(home, pattern)
    path.write_bytes(path.read_bytes()[:-10])

    assert named(home, path)


@pytest.mark.parametrize("pattern", NEEDED)
def test_a_missing_file_is_named(home: Path, pattern: str) -> None:
    path = damaged(home, pattern)
    path.unlink()

    assert named(home, path)


def test_a_file_of_a_newer_version_says_so(home: Path) -> None:
    path = damaged(home, "datasets/shapes/dataset.json")
    write_atomic(path, path.read_text("utf-8").replace('"format": 1', '"format": 9'))

    assert "has format 9, this version reads 1; use the version of HashLens that wrote it" in str(
        named(home, path)
    )


def test_what_a_kill_has_left_is_removed(home: Path) -> None:
    left = [home / "datasets" / ".old.deleted", home / "runs" / ".old.deleted"]
    for folder in left:
        (folder / "images").mkdir(parents=True)
    settings = Settings(home=home, threads=1)

    checkup = examine(settings)
    record = keep_result(checkup, repair(checkup.problems), began=0)

    assert [problem.state for problem in record.problems] == ["repaired", "repaired"]
    assert not any(folder.exists() for folder in left)
    assert stored_record(settings) == record
    assert record.n_open == 0


def test_files_of_an_earlier_version_have_no_sum_and_are_no_problem(home: Path) -> None:
    for sums in home.rglob(".sums"):
        sums.unlink()

    checkup = examine(Settings(home=home, threads=1))

    assert checkup.problems == []
    assert checkup.n_without_sum > 10
