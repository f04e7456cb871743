"""The command line in this process, on a library with a data set and a finished run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pipeline.cli import main
from pipeline.cli.console import console, current_settings, current_store
from pipeline.settings import Settings
from tests.pipeline.cli.commands import Cli, Outcome


@pytest.fixture
def cli(
    own_library: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Cli]:
    """Runs a command of this process on a library with a data set and a finished run."""
    for name, value in (
        ("HASHLENS_HOME", str(own_library.home)),
        ("HASHLENS_THREADS", "1"),
        ("QDRANT_URL", ""),
    ):
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(console, "width", 300)
    current_settings.cache_clear()
    current_store.cache_clear()

    def run(*arguments: object) -> Outcome:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        code = ended.value.code
        return Outcome(code if isinstance(code, int) else 0, *capsys.readouterr())

    yield run
    if current_store.cache_info().currsize:
        current_store().close()
    current_settings.cache_clear()
    current_store.cache_clear()
