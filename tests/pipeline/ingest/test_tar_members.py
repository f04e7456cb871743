"""Members of tar archives."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from pipeline.ingest.archives import archive_tree
from tests.pipeline.ingest.packing import GOOD, reasons, tar_of


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE]
)
def test_links_and_devices_of_a_tar_are_refused(tmp_path: Path, kind: bytes) -> None:
    tree = archive_tree(tar_of(tmp_path / "a.tgz", {**GOOD, "evil.png": b""}, kind))

    assert "not taken from archives" in reasons(tree)["evil.png"]
    assert len(tree.files) == 2


def test_hard_links_of_a_tar_are_the_files_that_they_mean(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w") as archive:
        for name, content in GOOD.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        for name, target in (
            ("pets/1.png", "cat/1.png"),
            ("pets/2.png", "./pets/1.png"),
            ("pets/3.png", "later.png"),
        ):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.LNKTYPE, target
            archive.addfile(info)

    tree = archive_tree(path)

    content_of = {file.name: file.read() for file in tree.files}
    linked = dict.fromkeys(("pets/1.png", "pets/2.png"), GOOD["cat/1.png"])
    assert content_of == {**GOOD, **linked}
    assert "does not hold" in reasons(tree)["pets/3.png"]
