"""Every kind of stored file, damaged in four ways: the doctor names it, and mends what it can."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.doctor.checkup import stored_record
from pipeline.doctor.doctor import examine, keep_result, repair
from pipeline.files import write_atomic
from pipeline.settings import Settings
from tests.damage import CHANGES, INNER, damage, whole_library
from tests.factories import copied_library


@pytest.fixture(scope="module")
def whole(library: Settings, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A library with a file of every kind; not to be changed."""
    return whole_library(library, tmp_path_factory.mktemp("whole"))


@pytest.fixture
def home(whole: Settings, tmp_path: Path) -> Path:
    return copied_library(whole.home, tmp_path / "home")


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
# Named by their folder, or of a form that the change leaves as it is.
NOT_BY_NAME = {".mmap", ".f32", ".crc32", ".jsonl", "segment.json", "status.json"}
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


@pytest.mark.parametrize("how", CHANGES)
@pytest.mark.parametrize("pattern", SUMMED)
def test_a_damaged_file_is_named_and_mended_where_it_can_be(
    home: Path, pattern: str, how: str
) -> None:
    path = damaged(home, pattern)
    path.write_bytes(CHANGES[how](path.read_bytes()))

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


@pytest.mark.parametrize("how", CHANGES)
def test_everything_that_is_damaged_at_once_is_listed_and_mended_where_it_can_be(
    home: Path, how: str
) -> None:
    settings = Settings(home=home, threads=1)
    paths = damage(home, INNER, how)

    problems = examine(settings).problems
    text = " ".join(f"{one.path} {one.reason}" for one in problems)
    unnamed = [path for path in paths if path.name not in text]
    assert [one for one in unnamed if not {one.name, one.suffix} & NOT_BY_NAME] == []
    repair(problems)

    left = examine(settings).problems
    assert {one.path for one in left} < {one.path for one in problems}
    assert all(one.repair is None for one in left), left
