"""Archives: what is unsafe is listed, nothing is written, and damage is one clear error."""

from __future__ import annotations

import os
import random
import struct
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.datasets.dataset import DatasetError
from pipeline.datasets.problems import Problem
from pipeline.ingest.archive_members import Limits
from pipeline.ingest.archives import archive_tree, is_archive
from pipeline.ingest.ingest import import_dataset
from pipeline.ingest.sources import SourceRequest, open_source
from pipeline.settings import Settings
from tests.factories import png
from tests.pipeline.ingest.packing import GOOD, reasons, tar_of, zip_of

SMALL = Limits(entries=50, file_bytes=3_000_000, total_bytes=20_000_000, ratio=200)


HOSTILE = {
    "../../evil.png": "leaves the archive",
    "cat/../../evil.png": "leaves the archive",
    "/etc/evil.png": "an absolute path",
    "C:/evil.png": "an absolute path",
    "C:evil.png": "an absolute path",
    "cat//evil.png": "not a usable name",
    "cat/./evil.png": "not a usable name",
    "cat/ev\nil.png": "a control character",
    "a" * 300 + ".png": "too long",
    "cat/inner.zip": "an archive inside",
    "cat/inner.tar.gz": "an archive inside",
    "CAT/1.png": "same name as cat/1.png",
}


@pytest.mark.parametrize("pack", [zip_of, tar_of], ids=["zip", "tar"])
@pytest.mark.parametrize(
    ("name", "reason"), HOSTILE.items(), ids=[f"{i}" for i in range(len(HOSTILE))]
)
def test_a_hostile_name_is_refused_and_the_rest_is_taken(
    tmp_path: Path, pack: Callable[..., Path], name: str, reason: str
) -> None:
    tree = archive_tree(pack(tmp_path / "a.bin", {**GOOD, name: png()}))

    assert [file.name for file in tree.files] == [*GOOD]
    assert reason in reasons(tree)[name[:300]]
    assert [file.read() for file in tree.files] == [*GOOD.values()]


def test_names_with_backslashes_are_folders_in_a_zip_and_refused_in_a_tar(tmp_path: Path) -> None:
    """Old versions of Windows write them; in a tar a backslash is a letter like others."""
    members = {"pets\\cat\\1.png": png((1, 0, 0)), "pets\\dog\\2.png": png((2, 0, 0))}

    tree = archive_tree(zip_of(tmp_path / "a.zip", {"pets\\": b"", **members}))
    packed = archive_tree(tar_of(tmp_path / "a.tgz", {**GOOD, **members}))

    assert [file.name for file in tree.files] == ["cat/1.png", "dog/2.png"]
    assert [file.read() for file in tree.files] == [*members.values()]
    assert tree.problems == (
        Problem(
            "a.zip",
            "3 names with backslashes, as Windows writes them, were read as folders",
            "noted",
        ),
    )
    assert reasons(packed) == dict.fromkeys(members, "a backslash in the name")


@pytest.mark.parametrize(
    ("name", "shown", "reason"),
    [
        ("..\\..\\evil.png", "../../evil.png", "leaves the archive"),
        ("cat\\..\\..\\evil.png", "cat/../../evil.png", "leaves the archive"),
        ("\\\\server\\share\\evil.png", "//server/share/evil.png", "an absolute path"),
        ("C:\\evil.png", "C:/evil.png", "an absolute path"),
        ("cat\\1.png", "cat/1.png", "same name as cat/1.png"),
    ],
)
def test_a_hostile_name_stays_hostile_with_backslashes(
    tmp_path: Path, name: str, shown: str, reason: str
) -> None:
    tree = archive_tree(zip_of(tmp_path / "a.zip", {**GOOD, name: png()}))

    assert [file.read() for file in tree.files] == [*GOOD.values()]
    assert reason in reasons(tree)[shown]


def test_names_equal_up_to_accents_are_one_name(tmp_path: Path) -> None:
    members = {"caf\u00e9.png": png(), "cafe\u0301.png": png((9, 9, 9)), "x/1.png": png((3, 3, 3))}

    tree = archive_tree(zip_of(tmp_path / "a.zip", members))

    assert [file.name for file in tree.files] == ["caf\u00e9.png", "x/1.png"]
    assert "up to case and accents" in reasons(tree)["cafe\u0301.png"]


def test_what_systems_leave_in_archives_is_passed_over(tmp_path: Path) -> None:
    junk = {"__MACOSX/._1.png": b"x", ".DS_Store": b"x", "cat/Thumbs.db": b"x", "cat/.1.png": b"x"}

    tree = archive_tree(zip_of(tmp_path / "a.zip", {**GOOD, **junk}))

    assert [file.name for file in tree.files] == [*GOOD]
    assert tree.problems == ()


def test_an_archive_of_which_nothing_is_left_says_why(tmp_path: Path) -> None:
    links = tar_of(tmp_path / "a.tgz", {f"{i}.png": b"" for i in range(3)}, tarfile.SYMTYPE)

    with pytest.raises(DatasetError, match=r"no image files .* in a; skipped: 3 × "):
        open_source("folder", SourceRequest(path=links))


def test_an_archive_of_archives_says_to_unpack_them(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("images.zip", b"PK")

    with pytest.raises(DatasetError, match=r"it holds the archive images\.zip: unpack and import"):
        open_source("folder", SourceRequest(path=path))


def test_a_bomb_is_refused_by_member_and_as_a_whole(tmp_path: Path) -> None:
    one = archive_tree(zip_of(tmp_path / "a.zip", {**GOOD, "bomb.png": bytes(2_500_000)}), SMALL)
    assert "taken for a bomb" in reasons(one)["bomb.png"]

    big = archive_tree(
        zip_of(tmp_path / "b.zip", {**GOOD, "big.png": os.urandom(3_100_000)}), SMALL
    )
    assert "claims 3 MB" in reasons(big)["big.png"]

    many = {f"{i}.png": bytes(2_900_000) for i in range(8)}
    with pytest.raises(DatasetError, match="taken for a bomb"):
        archive_tree(zip_of(tmp_path / "c.zip", many), SMALL)
    with pytest.raises(DatasetError, match="taken for a bomb"):
        archive_tree(tar_of(tmp_path / "c.tgz", {**GOOD, **many}), SMALL)
    with pytest.raises(DatasetError, match="has 60 members, more than 50"):
        archive_tree(zip_of(tmp_path / "d.zip", {f"{i}.png": b"" for i in range(60)}), SMALL)


def test_a_member_that_lies_about_its_size_gives_no_more_than_it_claims(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "a.zip", {"1.png": bytes(500_000), **GOOD})
    content = bytearray(path.read_bytes())
    at = content.find(b"PK\x01\x02")  # the first entry of the directory claims 10 bytes
    struct.pack_into("<I", content, at + 24, 10)
    path.write_bytes(content)

    first = next(file for file in archive_tree(path).files if file.name == "1.png")

    with pytest.raises(OSError, match="damaged in the archive"):
        first.read()


def test_a_wrapping_folder_is_left_out_of_names(tmp_path: Path) -> None:
    tree = archive_tree(zip_of(tmp_path / "pets.zip", {f"pets-v1/{n}": c for n, c in GOOD.items()}))

    assert [file.name for file in tree.files] == [*GOOD]
    assert tree.name == "pets"


def test_nothing_is_written_anywhere_but_into_the_library(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither beside the archive nor in the folder for temporary files."""
    place, temporary = tmp_path / "place", tmp_path / "temporary"
    place.mkdir()
    temporary.mkdir()
    monkeypatch.setattr(
        tempfile, "tempdir", str(temporary)
    )  # that of the machine is not ours alone
    path = tar_of(place / "a.tgz", {**GOOD, **{name: png() for name in HOSTILE}})

    dataset = import_dataset(open_source("folder", SourceRequest(path=path)), settings)

    assert {*place.rglob("*")} == {path}
    assert not any(temporary.iterdir())
    stored = [file for file in settings.home.rglob("*") if file.suffix == ".png"]
    assert len(stored) == len(dataset) == 2
    assert all(len(file.stem) == 64 for file in stored)


def test_archives_are_known_by_content(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"not a zip")
    assert not is_archive(tmp_path / "a.zip")
    with pytest.raises(DatasetError, match=r"a.zip is no folder, zip, tar or table"):
        open_source("folder", SourceRequest(path=tmp_path / "a.zip"))
    assert is_archive(zip_of(tmp_path / "b.txt", GOOD))
    assert is_archive(tar_of(tmp_path / "c.png", GOOD))


def hostile_archive(rng: random.Random, path: Path) -> Path:
    """An archive with hostile and good members, then damaged at random."""
    names = rng.sample(sorted(HOSTILE), rng.randint(0, 4))
    members = {**GOOD, **{name: rng.choice([png(), b"", bytes(1_200_000)]) for name in names}}
    if rng.random() < 0.5:
        modes = (0o100644, 0o120777, 0o060666)

        def change(info: zipfile.ZipInfo) -> None:
            info.external_attr = rng.choice(modes) << 16

        zip_of(path, members, change)
    else:
        tar_of(
            path, members, rng.choice([tarfile.REGTYPE, tarfile.SYMTYPE, tarfile.GNUTYPE_SPARSE])
        )
    content = bytearray(path.read_bytes())
    for _ in range(rng.choice([0, 1, 3, 30])):
        at = rng.randrange(len(content))
        content[at] = rng.randrange(256)
    if rng.random() < 0.3:
        content = content[: rng.randrange(len(content))]
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("seed", range(120))
def test_whatever_an_archive_holds_every_member_is_taken_or_listed(
    tmp_path: Path, settings: Settings, seed: int
) -> None:
    """120 hostile archives: an expected error or an import in which all files are accounted for."""
    path = hostile_archive(random.Random(seed), tmp_path / "archive.bin")
    try:
        source = open_source("folder", SourceRequest(name="fuzz", path=path))
        n = len(source.items) + sum(problem.action == "skipped" for problem in source.problems)
        dataset = import_dataset(source, settings)
    except DatasetError as error:
        assert len(str(error)) > 20
        return

    assert len(dataset) + dataset.info.n_problems == n
    assert {file.name for file in tmp_path.iterdir()} <= {"archive.bin", "library"}
    assert all(dataset.load_image(row) for row in range(len(dataset)))
