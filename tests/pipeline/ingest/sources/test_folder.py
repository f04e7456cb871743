"""The folder source on class folders: what is an image, what is not, names and identity."""

import os

import pytest

from pipeline.datasets.dataset import DatasetError
from pipeline.ingest.sources import SourceRequest, list_sources, open_source
from tests.factories import imported, png
from tests.pipeline.ingest.class_folders import source_of, write


def test_the_first_folder_level_is_the_class(tmp_path):
    root = write(tmp_path / "My Pets!", "cat/1.png", "cat/kittens/2.JPG", "dog/3.webp")

    source = source_of(root)

    assert source.name == "my-pets"
    assert source.kinds == {"class": "single"}
    assert [(item.image_id, item.labels["class"]) for item in source.items] == [
        ("cat/1.png", ("cat",)),
        ("cat/kittens/2.JPG", ("cat",)),
        ("dog/3.webp", ("dog",)),
    ]
    assert source.problems == ()


def test_files_that_are_no_images_or_in_no_class_are_listed(tmp_path):
    root = write(tmp_path / "r", "cat/1.png", "cat/notes.txt", "cat/drawing.svg", "stray.png")
    (root / "cat" / "link.png").symlink_to(root / "cat" / "gone.png")

    source = source_of(root)

    assert [item.image_id for item in source.items] == ["cat/1.png"]
    assert {problem.file: problem.reason for problem in source.problems} == {
        "stray.png": "not in a class folder",
        "cat/drawing.svg": "not an image file name (.svg)",
        "cat/link.png": "a symbolic link to a file that does not exist",
        "cat/notes.txt": "not an image file name (.txt)",
    }


def test_what_the_system_hides_is_passed_over_in_silence(tmp_path):
    root = write(
        tmp_path / "r",
        "cat/1.png",
        "cat/.DS_Store",
        "cat/.ipynb_checkpoints/1-checkpoint.png",
        "cat/__MACOSX/x.png",
        "cat/Thumbs.db",
        ".git/objects/x.png",
        "__MACOSX/cat/x.png",
        ".hidden.png",
    )

    source = source_of(root)

    assert [item.image_id for item in source.items] == ["cat/1.png"]
    assert source.problems == ()


def test_an_image_without_a_suffix_or_with_a_wrong_one_is_known_by_its_content(tmp_path, settings):
    root = write(tmp_path / "r", "cat/1.png", "dog/2.png")
    (root / "cat" / "IMG_0001").write_bytes(png((9, 0, 0)))
    (root / "cat" / "picture.doc").write_bytes(png((9, 9, 0)))

    dataset = imported(root, settings)

    names = ["cat/1.png", "cat/IMG_0001", "cat/picture.doc", "dog/2.png"]
    assert list(dataset.manifest["image_id"]) == names
    assert {path.suffix for path in map(dataset.image_path, range(4))} == {".png"}


def test_a_folder_of_which_nothing_is_left_says_why(tmp_path):
    root = write(tmp_path / "r")
    root.mkdir()
    for number in range(3):
        (root / f"{number}.png").symlink_to(root / "gone.png")

    with pytest.raises(DatasetError, match=r"in r; skipped: 3 × a symbolic link to a file that"):
        source_of(root)


def test_a_folder_of_which_no_image_can_be_read_says_why(tmp_path, settings):
    root = write(tmp_path / "r", "cat/1.png", "cat/2.png", "dog/3.png")
    (root / "cat" / "1.png").write_bytes(b"")
    (root / "cat" / "2.png").write_bytes(b"../../blobs/01")
    (root / "dog" / "3.png").write_bytes(b"../../blobs/02")

    with pytest.raises(
        DatasetError,
        match=r"no image of r could be taken: 2 × .* nothing but a path: .*; 1 × .* is empty",
    ):
        imported(root, settings)


def test_a_hidden_folder_may_be_imported_itself(tmp_path):
    root = write(tmp_path / ".cache" / "pets", "cat/1.png")

    assert len(source_of(root).items) == 1


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        ((), "no image files .*png.* in r"),
        (("cat/readme.md",), "no image files .*png.* in r"),
    ],
)
def test_a_folder_without_images_is_explained(tmp_path, names, reason):
    (tmp_path / "r").mkdir()

    with pytest.raises(DatasetError, match=reason):
        source_of(write(tmp_path / "r", *names))


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        (("images.ZIP", "notes.md"), r"in r; it holds the archive images\.ZIP: unpack and import"),
        (("a.7z", "b.rar"), r"in r; it holds the archive a\.7z and 1 more archive: unpack and"),
        (("a.7z", "b.rar", "c.tar.gz"), r"archive a\.7z and 2 more archives: unpack and import"),
    ],
)
def test_a_folder_of_archives_says_to_unpack_them(tmp_path, names, reason):
    (tmp_path / "r").mkdir()
    for name in names:
        (tmp_path / "r" / name).write_bytes(b"packed")

    with pytest.raises(DatasetError, match=reason):
        source_of(tmp_path / "r")


def test_a_path_that_is_no_folder_is_named(tmp_path):
    with pytest.raises(DatasetError, match="gone is not a folder"):
        source_of(tmp_path / "gone")
    with pytest.raises(DatasetError, match="nothing is not a folder; name one"):
        source_of(None)


def test_the_identity_changes_with_names_sizes_and_times(tmp_path):
    root = write(tmp_path / "r", "cat/1.png", "cat/2.png")
    first = source_of(root).identity

    assert source_of(root).identity == first
    os.utime(root / "cat" / "1.png", ns=(5, 5))
    second = source_of(root).identity
    (root / "cat" / "2.png").rename(root / "cat" / "3.png")
    assert len({first, second, source_of(root).identity}) == 3


def test_a_folder_whose_name_has_no_latin_letter_still_gets_a_name(tmp_path):
    assert source_of(write(tmp_path / "猫", "cat/1.png")).name == "folder"


def test_an_unknown_source_offers_the_nearest():
    with pytest.raises(ValueError, match="Did you mean 'openmoji'"):
        open_source("openmoj", SourceRequest())


def test_every_source_says_in_a_sentence_what_it_is():
    assert {"cifar10", "voc2007", "folder", "openmoji"} <= {*list_sources()}
    assert all(sentence.endswith(".") for sentence in list_sources().values())
