"""EdgeFiles: the folder of the embedded store; what makes a collection exist, and the alias file.

    aliases.json                      alias -> collection, replaced as a whole
    collections/<name>/meta.json      metadata and vector parameters; never changes
    collections/<name>/shard/         files of the engine
    making-<name>, dropped-<name>     remains of a process that was killed; never looked at

A collection is made under a hidden name and renamed when complete, and renamed before its files are
removed: whenever a process is killed, each collection is there as a whole or not at all.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from filelock import FileLock
from pydantic import TypeAdapter

from pipeline.files import DOCTOR, check_room, reading, write_atomic
from pipeline.index.store.base import StoreError, checked_name
from pipeline.sums import read_checked

_ALIASES = TypeAdapter(dict[str, str])


class EdgeFiles:
    """Paths and small JSON files under one folder; `lock` keeps other processes from writing."""

    def __init__(self, path: Path) -> None:
        self._path = path
        (path / "collections").mkdir(parents=True, exist_ok=True)
        self.lock = FileLock(path / "files.lock")

    def check_room(self, n_bytes: int) -> None:
        """Refuse what the disk cannot hold.

        Raises:
            OSError: there is no room.
        """
        check_room(self._path, n_bytes)

    def names(self) -> list[str]:
        """Names of all complete collections, sorted."""
        entries = (self._path / "collections").iterdir()
        return sorted(entry.name for entry in entries if _is_complete(entry))

    def is_complete(self, name: str) -> bool:
        """Whether a collection of this name is there as a whole."""
        return _is_complete(self._folder(name))

    def shard(self, name: str) -> Path:
        """Folder of the engine's files."""
        return self._folder(name) / "shard"

    def version(self, name: str) -> int:
        """A number that changes when a collection is dropped and made again."""
        return (self._folder(name) / "meta.json").stat().st_mtime_ns

    def meta(self, name: str) -> dict[str, object]:
        """Metadata that `begin` was given."""
        path = self._folder(name) / "meta.json"
        with reading(path, f"publish the run again, or {DOCTOR}", StoreError):
            meta: dict[str, object] = json.loads(read_checked(path))
            return {"metadata": meta["metadata"], "vectors": meta["vectors"]}

    def aliases(self) -> dict[str, str]:
        """Collections by their aliases."""
        path = self._path / "aliases.json"
        if not path.exists():
            return {}
        with reading(path, f"make it again from what the runs say: {DOCTOR}", StoreError):
            return _ALIASES.validate_json(read_checked(path))

    def write_aliases(self, aliases: dict[str, str]) -> None:
        """Replace all aliases in one step."""
        write_atomic(self._path / "aliases.json", json.dumps(aliases))

    def begin(self, name: str, meta: dict[str, object]) -> Path:
        """Start a collection; returns where the engine may make its shard."""
        making = self._hidden("making", name)
        making.mkdir()
        write_atomic(making / "meta.json", json.dumps(meta))
        return making / "shard"

    def finish(self, name: str) -> None:
        """Give the collection started last its name, over the remains of an incomplete one."""
        shutil.rmtree(self._folder(name), ignore_errors=True)
        (self._path / f"making-{name}").rename(self._folder(name))

    def remove(self, name: str) -> bool:
        """Delete a collection's files; False when there are none."""
        if not self._folder(name).is_dir():
            return False
        dropped = self._hidden("dropped", name)
        self._folder(name).rename(dropped)
        shutil.rmtree(dropped)
        return True

    def _folder(self, name: str) -> Path:
        return self._path / "collections" / checked_name(name)

    def _hidden(self, purpose: str, name: str) -> Path:
        path = self._path / f"{purpose}-{checked_name(name)}"
        shutil.rmtree(path, ignore_errors=True)
        return path


def _is_complete(folder: Path) -> bool:
    return (folder / "meta.json").is_file() and (folder / "shard" / "edge_config.json").is_file()
