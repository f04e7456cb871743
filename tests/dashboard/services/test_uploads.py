"""Uploads: places that nobody guesses, names that do no harm."""

from __future__ import annotations

from pathlib import Path

from dashboard.services import uploads
from pipeline.settings import Settings


def test_an_upload_has_an_unguessable_place_and_a_harmless_name(settings: Settings, tmp_path: Path):
    own = Settings(home=tmp_path)
    token = uploads.new_token(own)

    assert len(token) == 32
    assert uploads.uploaded(token, own) is None
    for wrong in ("", "..", "x" * 32, f"{token}/..", token[:-1] + "é"):
        assert uploads.room(wrong, own) is None
    assert uploads.safe_name("../../été <b>.zip") == "t-b-.zip"
    assert uploads.safe_name("...") == "upload"
