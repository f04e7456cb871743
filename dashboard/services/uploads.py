"""Uploaded archives: a place with an unguessable name, filled by the route, read by the import."""

from __future__ import annotations

import re
import secrets
import shutil
import time
from pathlib import Path

from pipeline.ingest.import_jobs import uploads_path
from pipeline.settings import Settings

_TOKEN = re.compile(r"[A-Za-z0-9_-]{32}")
_KEEP_S = 24 * 3600


def new_token(settings: Settings) -> str:
    """Make room for one upload; unused rooms of yesterday are removed."""
    root = uploads_path(settings)
    root.mkdir(parents=True, exist_ok=True)
    for old in root.iterdir():
        if time.time() - old.stat().st_mtime > _KEEP_S:
            shutil.rmtree(old, ignore_errors=True)
    token = secrets.token_urlsafe(24)
    (root / token).mkdir()
    return token


def room(token: str, settings: Settings) -> Path | None:
    """The folder of a token; None for tokens that were not given out."""
    folder = uploads_path(settings) / token
    return folder if _TOKEN.fullmatch(token) and folder.is_dir() else None


def uploaded(token: str, settings: Settings) -> Path | None:
    """The whole file that was uploaded with a token; None while there is none."""
    folder = room(token, settings)
    files = [path for path in folder.iterdir() if path.suffix != ".part"] if folder else []
    return files[0] if files else None


def safe_name(name: str) -> str:
    """A file name made of harmless characters, its suffix kept."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.")[-100:] or "upload"
