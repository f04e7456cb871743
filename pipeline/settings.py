"""Settings from the environment; the only module that reads it."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field


class Settings(BaseModel):
    """Where things lie and how much of the machine to use.

    Attributes:
        home: folder of data sets, features, runs and the embedded index (HASHLENS_HOME, `data`).
        qdrant_url: address of a Qdrant server (QDRANT_URL); None: embedded store under `home`.
        qdrant_api_key: its key (QDRANT_API_KEY).
        threads: CPU threads of torch (HASHLENS_THREADS, all cores up to 8).
        start_worker: whether the dashboard may start a worker (HASHLENS_START_WORKER, 1).
        import_roots: folders below which the dashboard may import from the server's disk
            (HASHLENS_IMPORT_ROOTS, separated as in PATH; none).
        upload_limit_gb: most that one upload may have (HASHLENS_UPLOAD_LIMIT_GB, 20).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    home: Path = Path("data")
    qdrant_url: str | None = None
    qdrant_api_key: str | None = Field(None, repr=False)
    threads: int = Field(default_factory=lambda: min(os.cpu_count() or 1, 8), ge=1)
    start_worker: bool = True
    import_roots: tuple[Path, ...] = ()
    upload_limit_gb: float = Field(20, gt=0)

    @classmethod
    def from_environment(cls) -> Settings:
        """Read the variables named above; unset or empty ones keep their defaults."""
        names = {
            "home": "HASHLENS_HOME",
            "qdrant_url": "QDRANT_URL",
            "qdrant_api_key": "QDRANT_API_KEY",
            "threads": "HASHLENS_THREADS",
            "start_worker": "HASHLENS_START_WORKER",
            "import_roots": "HASHLENS_IMPORT_ROOTS",
            "upload_limit_gb": "HASHLENS_UPLOAD_LIMIT_GB",
        }
        given = {field: os.environ.get(name) for field, name in names.items()}
        found: dict[str, object] = {field: value for field, value in given.items() if value}
        if given["import_roots"]:
            found["import_roots"] = tuple(filter(None, given["import_roots"].split(os.pathsep)))
        return cls.model_validate(found)

    @property
    def datasets_path(self) -> Path:
        """Folder of imported data sets."""
        return self.home / "datasets"

    @property
    def features_path(self) -> Path:
        """Folder of the feature cache."""
        return self.home / "features"

    @property
    def runs_path(self) -> Path:
        """Folder of runs."""
        return self.home / "runs"

    @property
    def index_path(self) -> Path:
        """Folder of the embedded store."""
        return self.home / "index"
