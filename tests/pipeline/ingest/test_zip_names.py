"""Names in zips: what the archive says counts, then what was asked for, then a guess."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from pathlib import Path

import pytest

from pipeline.datasets.dataset import DatasetError
from pipeline.ingest.archives import archive_tree
from tests.factories import png

UNICODE_PATH = 0x7075


def old_zip(
    path: Path, names: list[str], page: str, extras: dict[str, bytes] | None = None
) -> Path:
    """A zip as old programs write it: names in a code page, without saying so."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for number, name in enumerate(names):
            # as many letters of ASCII in its place, so that the bytes can be put in afterwards
            info = zipfile.ZipInfo(f"{number:04d}".ljust(len(name.encode(page)), "~"))
            info.extra = (extras or {}).get(name, b"")
            archive.writestr(info, png((number, 0, 0)))
    content = buffer.getvalue()
    for number, name in enumerate(names):
        raw = name.encode(page)
        content = content.replace(f"{number:04d}".ljust(len(raw), "~").encode(), raw)
    path.write_bytes(content)
    return path


def unicode_path(name: str, raw: bytes) -> bytes:
    """The extra field with a name in Unicode, which belongs to these bytes of a name."""
    field = struct.pack("<BI", 1, zlib.crc32(raw)) + name.encode()
    return struct.pack("<HH", UNICODE_PATH, len(field)) + field


NAMES = {
    "cp932": ["猫/三毛猫 表1.png", "犬/写真2.png"],
    "gb18030": ["猫/照片1.png", "狗/小狗2.png"],
    "cp949": ["고양이/사진1.png", "강아지/여행2.png"],
    "big5": ["貓/照片1.png", "狗/圖片2.png"],
    "cp866": ["кошки/фото 1.png", "собаки/Новая папка.png"],
    "cp1251": ["кошки/фото 1.png", "собаки/Новая папка.png"],
    "cp437": ["Vögel/Bär 1.png", "Hündchen/größe.png"],
    "cp1252": ["Vögel/Bär 1.png", "garçons/été 2.png"],
    "utf-8": ["猫/Bär 1.png", "собаки/été 2.png"],
}


@pytest.mark.parametrize("page", NAMES)
def test_the_code_page_is_guessed_and_the_guess_is_said(tmp_path: Path, page: str) -> None:
    tree = archive_tree(old_zip(tmp_path / "a.zip", NAMES[page], page))

    assert {file.name for file in tree.files} == {*NAMES[page]}
    assert [(p.file, p.action) for p in tree.problems] == [("a.zip", "noted")] * (page != "utf-8")
    for problem in tree.problems:
        assert f"read as {page} (a guess): {NAMES[page][0]}; set" in problem.reason


def test_an_encoding_that_was_asked_for_is_used_and_not_guessed(tmp_path: Path) -> None:
    path = old_zip(tmp_path / "a.zip", NAMES["cp866"], "cp866")

    tree = archive_tree(path, encoding="cp437")

    assert {file.name for file in tree.files} == {
        name.encode("cp866").decode("cp437") for name in NAMES["cp866"]
    }
    assert tree.problems == ()


def test_an_encoding_that_does_not_exist_or_fit_is_an_error(tmp_path: Path) -> None:
    path = old_zip(tmp_path / "a.zip", NAMES["cp1252"], "cp1252")

    with pytest.raises(
        DatasetError, match="'martian' is not a text encoding; use for example cp932"
    ):
        archive_tree(path, encoding="martian")
    with pytest.raises(DatasetError, match="'hex' is not a text encoding"):
        archive_tree(path, encoding="hex")
    with pytest.raises(
        DatasetError, match=r"a\.zip has a name that is not valid utf-8: b'V\\xf6gel"
    ):
        archive_tree(path, encoding="utf-8")


def test_names_that_say_they_are_unicode_need_no_guess(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("猫/1.png", png())  # zipfile sets the flag

    tree = archive_tree(tmp_path / "a.zip", encoding="cp932")

    assert [file.name for file in tree.files] == ["猫/1.png"]
    assert tree.problems == ()


def test_a_unicode_path_beside_the_name_wins_unless_the_name_has_changed(tmp_path: Path) -> None:
    names = ["Bär/1.png", "Bär/2.png"]
    extras = {
        names[0]: unicode_path("猫/1.png", names[0].encode("cp437")),
        names[1]: unicode_path("猫/2.png", b"another name"),
    }

    tree = archive_tree(old_zip(tmp_path / "a.zip", names, "cp437", extras))

    assert {file.name for file in tree.files} == {"猫/1.png", "Bär/2.png"}
    assert "1 names without a declared encoding" in tree.problems[0].reason
