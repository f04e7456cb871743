"""Settings from the environment; the only module that reads it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Literal

from platformdirs import user_data_path
from pydantic import Field, field_validator
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    NoDecode,
    SettingsConfigDict,
)
from pydantic_settings import PydanticBaseSettingsSource as Source

from models.installation import IS_INSTALLED

_INHERITED = {  # in capitals
    *("PATH", "HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "TZ", "TMPDIR", "LD_LIBRARY_PATH"),
    *("VIRTUAL_ENV", "PYTHONPATH", "PYTHONUTF8", "PYTHONIOENCODING"),
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
    *("XDG_CACHE_HOME", "XDG_DATA_HOME", "TORCH_HOME", "HF_HOME", "HF_HUB_CACHE"),
    # Windows does not load a library, open a socket or find a folder without some of these.
    *("SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "COMSPEC", "PATHEXT", "TEMP", "TMP"),
    *("USERPROFILE", "USERNAME", "HOMEDRIVE", "HOMEPATH", "APPDATA", "LOCALAPPDATA"),
    *("PROGRAMDATA", "PROGRAMFILES", "NUMBER_OF_PROCESSORS", "PROCESSOR_ARCHITECTURE"),
}
_SHORTEST_KEY = 20
_OF_DASHBOARD = ("api_keys", "open", "encodings_per_minute")  # of no use to other processes
_INHERITED_GROUPS = ("LC_", "CUDA_", "NVIDIA_")


def _qdrant(name: str, default: Any, description: str, **more: Any) -> Any:
    """A field whose variable has Qdrant's own prefix."""
    return Field(default, validation_alias=f"QDRANT_{name}", description=description, **more)


def usual_home() -> Path:
    """Where the library is unless somebody says otherwise.

    `data` in the working folder for a checkout; for an installed HashLens the platform's place,
    such as ~/.local/share/hashlens.
    """
    return user_data_path("hashlens", False) if IS_INSTALLED else Path("data")


class Settings(BaseSettings):
    """Places of stored things, and the share of the machine to use.

    Each field is an environment variable too (`variable`), which `from_environment` alone reads.
    """

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        env_prefix="HASHLENS_",
        env_ignore_empty=True,
        populate_by_name=True,
    )

    home: Path = Field(
        default_factory=lambda: usual_home(),
        description="Folder of data sets, features, runs and the embedded index; unset: `data` in "
        "a checkout, else the user's data folder.",
    )
    qdrant_url: str | None = _qdrant(
        "URL", None, "Address of a Qdrant server instead of the embedded store."
    )
    qdrant_api_key: str | None = _qdrant("API_KEY", None, "Its key, which may write.", repr=False)
    qdrant_read_only_api_key: str | None = _qdrant(
        "READ_ONLY_API_KEY",
        None,
        "A key for the dashboard that may not write; unset: the other one.",
        repr=False,
    )
    qdrant_ca: Path | None = _qdrant(
        "CA",
        None,
        "File with the certificate that an https server is checked with; unset: the system's.",
    )
    qdrant_timeout_s: int = _qdrant("TIMEOUT_S", 60, "Seconds that one request may take.", ge=1)
    qdrant_wait_s: int = _qdrant(
        "WAIT_S",
        120,
        "Seconds that publishing waits for a server that stopped answering; 0: not at all.",
        ge=0,
    )
    qdrant_grpc: bool = _qdrant("GRPC", False, "1 uses the server's gRPC port; REST was faster.")
    qdrant_grpc_port: int = _qdrant("GRPC_PORT", 6334, "The server's gRPC port.", ge=1, le=65535)
    qdrant_shards: int | None = _qdrant(
        "SHARDS",
        None,
        "Pieces of a new collection, a multiple of the nodes; unset: the server's choice.",
        ge=1,
    )
    qdrant_replicas: int | None = _qdrant(
        "REPLICAS",
        None,
        "Copies of each piece, with two one node may fail; unset: the server's choice.",
        ge=1,
    )
    threads: int = Field(
        default_factory=lambda: min(os.cpu_count() or 1, 8),
        ge=1,
        description="CPU threads of torch; unset: all cores, up to 8.",
    )
    memory_mb: int | None = Field(
        None,
        ge=256,
        description="Most memory of a worker in MB, on Linux; a run that wants more fails alone.",
    )
    device: str = Field(
        "auto",
        pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$",
        description="Where networks compute and learn: `cpu`, `cuda`, `cuda:1`, `mps`; "
        "`auto`: a GPU where there is one.",
    )
    half_precision: bool = Field(
        False, description="1: features on a GPU are computed in float16, apart from others."
    )
    log: Literal["text", "json"] = Field(
        "text", description="`json`: each line of the logs is a JSON object (operations.md)."
    )
    start_worker: bool = Field(True, description="0: the dashboard starts no worker.")
    import_roots: Annotated[tuple[Path, ...], NoDecode] = Field(
        (),
        description="Folders below which the dashboard may import from the server's disk, "
        "separated as in PATH.",
    )
    upload_limit_gb: float = Field(20, gt=0, description="Most that one upload may have, in GB.")
    open: bool = Field(
        False,
        description="1: the dashboard may listen beyond this machine without login or keys.",
    )
    api_keys: str = Field(
        "",
        description="Keys for programs, `role:key` separated by commas, of 20 characters or more; "
        "roles are viewer, reviewer, operator.",
        repr=False,
    )
    encodings_per_minute: int = Field(
        120, ge=1, description="Images and texts that one client may have encoded per minute."
    )

    @field_validator("api_keys")
    @classmethod
    def _well_formed(cls, value: str) -> str:
        """Refuse keys without a role and short ones, without repeating them."""
        for number, entry in enumerate(filter(None, value.split(",")), 1):
            role, colon, key = entry.strip().partition(":")
            if not (role and colon) or len(key) < _SHORTEST_KEY:
                raise ValueError(
                    f"entry {number} must be role:key with a key of {_SHORTEST_KEY} characters or "
                    "more, for example from: openssl rand -hex 32"
                )
        return value

    @property
    def keys(self) -> tuple[tuple[str, str], ...]:
        """Role and key of each of `api_keys`."""
        entries = (entry.strip().partition(":") for entry in self.api_keys.split(",") if entry)
        return tuple((role, key) for role, _, key in entries)

    @field_validator("import_roots", mode="before")
    @classmethod
    def _separated(cls, value: object) -> object:
        """Folders as the environment has them."""
        return tuple(filter(None, value.split(os.pathsep))) if isinstance(value, str) else value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: Source,
        env_settings: Source,
        dotenv_settings: Source,
        file_secret_settings: Source,
    ) -> tuple[Source, ...]:
        """Give every unset field its default, whatever the environment says."""
        return (init_settings,)

    @classmethod
    def from_environment(cls) -> Settings:
        """Read the environment's variables; unset or empty ones keep their defaults.

        Raises:
            ValidationError: a value has no meaning.
        """
        return cls.model_validate(EnvSettingsSource(cls)())

    def environment(self) -> dict[str, str]:
        """The environment of a process of its own: these settings, and what any program may need.

        That is its way to the network, certificates, cache folders and what the system wants;
        secrets of other programs are not among it.
        """
        variables = {
            variable(field): _as_text(value)
            for field in type(self).model_fields
            if field not in _OF_DASHBOARD and (value := getattr(self, field)) is not None
        }
        inherited = {
            name: value
            for name, value in os.environ.items()
            if name.upper() in _INHERITED or name.startswith(_INHERITED_GROUPS)
        }
        return inherited | variables | {"OMP_NUM_THREADS": str(self.threads)}

    def resolved(self) -> Settings:
        """Settings with absolute paths, for a process that works in another folder."""
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


def silence_grpc() -> None:
    """Keep gRPC's own lines from the terminal, before it is imported; its errors tell the same."""
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")


def variable(field: str) -> str:
    """The environment variable of a field."""
    alias = Settings.model_fields[field].validation_alias
    return alias if isinstance(alias, str) else f"HASHLENS_{field.upper()}"


def variables_table() -> str:
    """All variables as a Markdown table, for docs/settings.md."""
    lines = ["| variable | meaning | default |", "| --- | --- | --- |"]
    for name, field in Settings.model_fields.items():
        usual = "" if field.default_factory else _as_text(field.default)
        shown = f"`{usual}`" if usual not in ("", "None") else "unset"
        lines.append(f"| `{variable(name)}` | {field.description} | {shown} |")
    return "\n".join(lines)


def _as_text(value: object) -> str:
    """A value as `from_environment` reads it."""
    if isinstance(value, tuple):
        return os.pathsep.join(map(str, value))
    return str(int(value) if isinstance(value, bool) else value)
