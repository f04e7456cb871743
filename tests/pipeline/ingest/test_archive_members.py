"""Members of zip archives."""

from __future__ import annotations

import zipfile
from pathlib import Path

from pipeline.ingest.archives import archive_tree
from tests.factories import png
from tests.pipeline.ingest.packing import GOOD, reasons, zip_of


def test_links_and_devices_of_a_zip_are_refused(tmp_path: Path) -> None:
    for mode, reason in (
        (0o120777, "a symbolic link"),
        (0o020666, "a device"),
        (0o010666, "a device"),
    ):

        def change(info: zipfile.ZipInfo, mode: int = mode) -> None:
            info.external_attr = (mode if info.filename == "evil.png" else 0o100644) << 16

        tree = archive_tree(
            zip_of(tmp_path / "a.zip", {**GOOD, "evil.png": b"/etc/passwd"}, change)
        )

        assert reason in reasons(tree)["evil.png"]
        assert len(tree.files) == 2


def test_an_encrypted_member_is_refused(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "a.zip", {**GOOD, "secret.png": png()})
    content = bytearray(path.read_bytes())
    for start in (b"PK\x03\x04", b"PK\x01\x02"):  # the flag stands in both headers
        at = content.rfind(start)
        content[at + (6 if start == b"PK\x03\x04" else 8)] |= 1
    path.write_bytes(content)

    tree = archive_tree(path)

    assert reasons(tree) == {
        "secret.png": "encrypted; unpack the archive with its password and import the folder"
    }
