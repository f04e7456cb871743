"""A home that nothing can be written into: pages still show what is there."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from pipeline import files
from tests.dashboard.pages import OpenApp, texts

REFUSED = OSError(errno.EROFS, "Read-only file system")


@pytest.fixture
def read_only(own_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A library in which no file and no folder can be made, as far as this process can tell."""
    opened, made = Path.open, Path.mkdir

    def open_(path: Path, mode: str = "r", *rest: object, **more: object):
        if mode[0] in "wax" and path.is_relative_to(own_home):
            raise OSError(errno.EROFS, "Read-only file system", str(path))
        return opened(path, mode, *rest, **more)  # type: ignore[arg-type]

    def mkdir(path: Path, *rest: object, **more: object) -> None:
        if path.is_relative_to(own_home) and not path.is_dir():
            raise OSError(errno.EROFS, "Read-only file system", str(path))
        made(path, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Path, "open", open_)
    monkeypatch.setattr(Path, "mkdir", mkdir)
    for path in (own_home / "baselines").glob("random-*"):
        path.unlink()
    return own_home


@pytest.mark.parametrize("page", ["overview", "search", "leaderboard", "runs", "status"])
def test_pages_show_what_is_there(open_app: OpenApp, read_only: Path, page: str) -> None:
    assert not open_app(read_only, page).exception


def test_import_says_that_nothing_can_be_stored(open_app: OpenApp, read_only: Path) -> None:
    app = open_app(read_only, "import")

    assert not app.exception
    assert "the disk is read-only, so nothing can be stored" in texts(app)


def test_what_can_be_computed_again_is_not_missed(read_only: Path) -> None:
    files.keep(read_only / "baselines" / "x.json", "{}")

    assert not (read_only / "baselines" / "x.json").exists()
