"""Settings come from the environment, with defaults."""

import os
from pathlib import Path

import pytest
from platformdirs import user_data_path
from pydantic import ValidationError

from pipeline.settings import Settings, variable

GIVEN = {
    "HASHLENS_HOME": ("/srv/library", Path("/srv/library")),
    "QDRANT_URL": ("http://qdrant:6333", "http://qdrant:6333"),
    "QDRANT_API_KEY": ("secret", "secret"),
    "QDRANT_READ_ONLY_API_KEY": ("other", "other"),
    "QDRANT_CA": ("ca.pem", Path("ca.pem")),
    "QDRANT_TIMEOUT_S": ("5", 5),
    "QDRANT_WAIT_S": ("30", 30),
    "QDRANT_GRPC": ("1", True),
    "QDRANT_GRPC_PORT": ("7334", 7334),
    "QDRANT_SHARDS": ("6", 6),
    "QDRANT_REPLICAS": ("2", 2),
    "HASHLENS_THREADS": ("3", 3),
    "HASHLENS_MEMORY_MB": ("2000", 2000),
    "HASHLENS_DEVICE": ("cuda:1", "cuda:1"),
    "HASHLENS_HALF_PRECISION": ("1", True),
    "HASHLENS_LOG": ("json", "json"),
    "HASHLENS_START_WORKER": ("0", False),
    "HASHLENS_IMPORT_ROOTS": (os.pathsep.join(("/a", "", "b c")), (Path("/a"), Path("b c"))),
    "HASHLENS_UPLOAD_LIMIT_GB": ("0.5", 0.5),
    "HASHLENS_OPEN": ("1", True),
    "HASHLENS_API_KEYS": ("viewer:" + "k" * 20, "viewer:" + "k" * 20),
    "HASHLENS_ENCODINGS_PER_MINUTE": ("7", 7),
}


@pytest.fixture(autouse=True)
def _unset(monkeypatch):
    for name in GIVEN:
        monkeypatch.delenv(name, raising=False)


def test_without_variables_everything_lies_under_data():
    settings = Settings.from_environment()

    assert settings == Settings()
    assert settings.home == Path("data")
    assert settings.qdrant_url is None
    assert settings.start_worker
    assert 1 <= settings.threads <= 8


def test_every_variable_is_read(monkeypatch):
    for name, (text, _) in GIVEN.items():
        monkeypatch.setenv(name, text)
    settings = Settings.from_environment()

    assert {variable(field): getattr(settings, field) for field in Settings.model_fields} == {
        name: value for name, (_, value) in GIVEN.items()
    }
    again = settings.environment()
    others = {"HASHLENS_OPEN", "HASHLENS_API_KEYS", "HASHLENS_ENCODINGS_PER_MINUTE"}
    handed_on = GIVEN.keys() - others - {"HASHLENS_IMPORT_ROOTS"}
    assert {name: again[name] for name in handed_on} == {name: GIVEN[name][0] for name in handed_on}
    assert not others & again.keys()


def test_only_from_environment_reads_it_and_by_these_names_alone(monkeypatch):
    monkeypatch.setenv("HASHLENS_DEVICE", "cuda")
    monkeypatch.setenv("DEVICE", "cuda")
    monkeypatch.setenv("HASHLENS_MOOD", "good")

    assert Settings().device == "auto"
    monkeypatch.delenv("HASHLENS_DEVICE")
    assert Settings.from_environment() == Settings()


def test_a_process_of_its_own_gets_the_same_settings_and_no_secrets_of_others(monkeypatch):
    monkeypatch.setenv("SOMEONE_S_TOKEN", "secret")
    settings = Settings(home=Path("/srv/x"), threads=3, start_worker=False, memory_mb=900)
    environment = settings.environment()

    assert "SOMEONE_S_TOKEN" not in environment
    assert environment["OMP_NUM_THREADS"] == "3"
    for name in GIVEN:
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert Settings.from_environment() == settings


@pytest.mark.parametrize(
    "name",
    [
        *("HTTPS_PROXY", "https_proxy", "no_proxy", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"),
        *("XDG_CACHE_HOME", "TORCH_HOME", "HF_HOME", "LC_ALL", "CUDA_VISIBLE_DEVICES"),
        *("SystemRoot", "TEMP", "USERPROFILE", "LOCALAPPDATA", "PATHEXT"),
    ],
)
def test_a_process_of_its_own_finds_network_certificates_caches_and_system(monkeypatch, name):
    monkeypatch.setenv(name, "somewhere")

    assert Settings().environment()[name] == "somewhere"


def test_paths_hold_for_a_process_that_works_elsewhere(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)

    found = Settings(qdrant_ca="ca.pem", import_roots=("sets",)).resolved()

    assert (found.home, found.qdrant_ca) == (tmp_path / "data", tmp_path / "ca.pem")
    assert found.import_roots == (tmp_path / "sets",)
    assert Settings().resolved().qdrant_ca is None


def test_an_empty_variable_counts_as_unset(monkeypatch):
    for name in GIVEN:
        monkeypatch.setenv(name, "")

    assert Settings.from_environment() == Settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HASHLENS_THREADS", "many"),
        ("HASHLENS_THREADS", "0"),
        ("HASHLENS_MEMORY_MB", "10"),
        ("HASHLENS_DEVICE", "gpu"),
        ("HASHLENS_HALF_PRECISION", "fast"),
    ],
)
def test_values_without_a_meaning_are_refused(monkeypatch, name, value):
    monkeypatch.setenv(name, value)

    with pytest.raises(ValidationError, match=name.removeprefix("HASHLENS_").lower()):
        Settings.from_environment()


def test_the_key_is_never_printed():
    assert "secret" not in repr(Settings(qdrant_api_key="secret"))


def test_folders_lie_under_home():
    settings = Settings(home=Path("x"))

    paths = (
        settings.datasets_path,
        settings.features_path,
        settings.runs_path,
        settings.index_path,
    )
    assert [path.parent for path in paths] == [Path("x")] * 4
    assert len(set(paths)) == 4


def test_an_installed_hashlens_keeps_its_data_where_the_platform_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert Settings().home == Path("data")  # a checkout
    monkeypatch.setattr("pipeline.settings.IS_INSTALLED", True)

    assert Settings().home == user_data_path("hashlens", False)
    assert Settings(home=tmp_path).home == tmp_path
