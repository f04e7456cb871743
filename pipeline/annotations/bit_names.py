"""BitNames: what people call the bits of a run, once they have seen what a bit tells apart.

    runs/<run>/bit_names.json   {"3": "outdoor / indoor"}, bits from 1

Names belong to the run, since another seed learns other bits; they go when the run is deleted.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock
from pydantic import TypeAdapter

from pipeline.files import write_atomic
from pipeline.runs.run import Run
from pipeline.sums import read_checked

LONGEST = 60  # characters of a name
_NAMES = TypeAdapter(dict[int, str])


@dataclass(frozen=True)
class BitNames:
    """The names of one run's bits; safe for several processes.

    Attributes:
        path: path of the file, which need not exist.
        bits: code length of the run.
    """

    path: Path
    bits: int

    @classmethod
    def of(cls, run: Run) -> BitNames:
        """Open the names of a run's bits."""
        return cls(run.folder / "bit_names.json", run.spec.bits)

    def all(self) -> dict[int, str]:
        """Name of each bit that has one, by its number from 1; an unreadable file names none."""
        try:
            return self._read()
        except OSError:
            return {}

    def set(self, bit: int, name: str) -> None:
        """Name a bit; an empty name takes the name away.

        Args:
            bit: number of the bit, from 1.
            name: name, at most 60 characters; spaces around it are dropped.

        Raises:
            ValueError: the run has no such bit, or the name is too long.
            OSError: it cannot be stored, or the run is gone.
        """
        name = " ".join(name.split())
        if not 1 <= bit <= self.bits:
            raise ValueError(f"the run has bits 1 to {self.bits}, got {bit}")
        if len(name) > LONGEST:
            raise ValueError(f"a name has at most {LONGEST} characters, got {len(name)}")
        if not self.path.parent.is_dir():  # the lock would create it again
            raise FileNotFoundError("the run has been deleted")
        with FileLock(self.path.with_suffix(".lock")):
            self._set_aside()
            names = {**self._read(), bit: name}
            kept = {str(place): text for place, text in sorted(names.items()) if text}
            write_atomic(self.path, json.dumps(kept, ensure_ascii=False))

    def _read(self) -> dict[int, str]:
        try:
            return self._stored()
        except (FileNotFoundError, ValueError):
            return {}

    def _set_aside(self) -> None:
        """Keep a file that cannot be read under another name, before it is replaced."""
        with suppress(FileNotFoundError):
            try:
                self._stored()
            except ValueError:
                self.path.rename(self.path.with_suffix(".damaged"))

    def _stored(self) -> dict[int, str]:
        names = _NAMES.validate_json(read_checked(self.path))
        return {bit: name[:LONGEST] for bit, name in sorted(names.items()) if 1 <= bit <= self.bits}
