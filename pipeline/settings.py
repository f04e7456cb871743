"""Settings from the environment; the only module that reads it."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

_VARIABLES = {
    "home": "HASHLENS_HOME",
    "qdrant_url": "QDRANT_URL",
    "qdrant_api_key": "QDRANT_API_KEY",
    "qdrant_read_only_api_key": "QDRANT_READ_ONLY_API_KEY",
    "qdrant_ca": "QDRANT_CA",
    "qdrant_timeout_s": "QDRANT_TIMEOUT_S",
    "qdrant_grpc": "QDRANT_GRPC",
    "qdrant_shards": "QDRANT_SHARDS",
    "qdrant_replicas": "QDRANT_REPLICAS",
    "threads": "HASHLENS_THREADS",
    "memory_mb": "HASHLENS_MEMORY_MB",
    "device": "HASHLENS_DEVICE",
    "start_worker": "HASHLENS_START_WORKER",
    "import_roots": "HASHLENS_IMPORT_ROOTS",
    "upload_limit_gb": "HASHLENS_UPLOAD_LIMIT_GB",
}
_INHERITED = {  # in capitals
    *("PATH", "HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "TZ", "TMPDIR", "LD_LIBRARY_PATH"),
    *("VIRTUAL_ENV", "PYTHONPATH", "PYTHONUTF8", "PYTHONIOENCODING"),
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
    *("XDG_CACHE_HOME", "TORCH_HOME", "HF_HOME", "HF_HUB_CACHE"),
    # Windows does not load a library, open a socket or find a folder without some of these.
    *("SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "COMSPEC", "PATHEXT", "TEMP", "TMP"),
    *("USERPROFILE", "USERNAME", "HOMEDRIVE", "HOMEPATH", "APPDATA", "LOCALAPPDATA"),
    *("PROGRAMDATA", "PROGRAMFILES", "NUMBER_OF_PROCESSORS", "PROCESSOR_ARCHITECTURE"),
}
_INHERITED_GROUPS = ("LC_", "CUDA_", "NVIDIA_")


class Settings(BaseModel):
    """Where things lie and how much of the machine to use.

    Attributes:
        home: folder of data sets, features, runs and the embedded index (HASHLENS_HOME, `data`).
        qdrant_url: address of a Qdrant server (QDRANT_URL); None: embedded store under `home`.
        qdrant_api_key: its key, which may write (QDRANT_API_KEY).
        qdrant_read_only_api_key: one that may not, for the dashboard (QDRANT_READ_ONLY_API_KEY);
            None: the dashboard takes the other one.
        qdrant_ca: file with the certificate that an https server is checked with (QDRANT_CA).
        qdrant_timeout_s: how long one request may take (QDRANT_TIMEOUT_S, 60).
        qdrant_grpc: use the server's gRPC port (QDRANT_GRPC, 0).
        qdrant_shards: pieces of a new collection, a multiple of the nodes (QDRANT_SHARDS).
        qdrant_replicas: copies of each piece, one node may fail with two (QDRANT_REPLICAS).
        threads: CPU threads of torch (HASHLENS_THREADS, all cores up to 8).
        memory_mb: most memory of a worker in MB (HASHLENS_MEMORY_MB); None: no limit. Linux only.
        device: where a backbone learns, `cpu`, `cuda` or `cuda:1` (HASHLENS_DEVICE, cpu).
        start_worker: whether the dashboard may start a worker (HASHLENS_START_WORKER, 1).
        import_roots: folders below which the dashboard may import from the server's disk
            (HASHLENS_IMPORT_ROOTS, separated as in PATH; none).
        upload_limit_gb: most that one upload may have (HASHLENS_UPLOAD_LIMIT_GB, 20).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    home: Path = Path("data")
    qdrant_url: str | None = None
    qdrant_api_key: str | None = Field(None, repr=False)
    qdrant_read_only_api_key: str | None = Field(None, repr=False)
    qdrant_ca: Path | None = None
    qdrant_timeout_s: int = Field(60, ge=1)
    qdrant_grpc: bool = False
    qdrant_shards: int | None = Field(None, ge=1)
    qdrant_replicas: int | None = Field(None, ge=1)
    threads: int = Field(default_factory=lambda: min(os.cpu_count() or 1, 8), ge=1)
    memory_mb: int | None = Field(None, ge=256)
    device: str = Field("cpu", pattern=r"^(cpu|cuda(:\d+)?)$")
    start_worker: bool = True
    import_roots: tuple[Path, ...] = ()
    upload_limit_gb: float = Field(20, gt=0)

    @classmethod
    def from_environment(cls) -> Settings:
        """Read the variables named above; unset or empty ones keep their defaults."""
        found: dict[str, object] = {
            field: value for field, name in _VARIABLES.items() if (value := os.environ.get(name))
        }
        if "import_roots" in found:
            found["import_roots"] = tuple(
                filter(None, str(found["import_roots"]).split(os.pathsep))
            )
        return cls.model_validate(found)

    def environment(self) -> dict[str, str]:
        """The environment of a process of its own: these settings, and what any program may need.

        That is its way to the network, certificates, cache folders and what the system wants;
        secrets of other programs are not among it.
        """
        own = {
            name: _as_text(value)
            for field, name in _VARIABLES.items()
            if (value := getattr(self, field)) is not None
        }
        inherited = {
            name: value
            for name, value in os.environ.items()
            if name.upper() in _INHERITED or name.startswith(_INHERITED_GROUPS)
        }
        return inherited | own | {"OMP_NUM_THREADS": str(self.threads)}

    def resolved(self) -> Settings:
        """The same with absolute paths, for a process that works in another folder."""
        return self.model_copy(
            update={
                "home": self.home.resolve(),
                "qdrant_ca": self.qdrant_ca and self.qdrant_ca.resolve(),
                "import_roots": tuple(path.resolve() for path in self.import_roots),
            }
        )

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


def _as_text(value: object) -> str:
    """A value as `from_environment` reads it."""
    if isinstance(value, tuple):
        return os.pathsep.join(map(str, value))
    return str(int(value) if isinstance(value, bool) else value)
