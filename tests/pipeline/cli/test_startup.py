"""Help and lists start at once: slow imports are left to the commands that need them."""

from __future__ import annotations

import pytest

from pipeline.settings import Settings
from tests.factories import python

SLOW = (
    *("torch", "torchvision", "pandas", "pyarrow", "scipy"),
    *("qdrant_client", "qdrant_edge", "faiss"),
)
SCRIPT = f"""
import contextlib, sys
from pipeline.cli import main
sys.stdin.read()
with contextlib.suppress(SystemExit):
    main(sys.argv[1:])
print("imported:", *(name for name in {SLOW} if name in sys.modules))
"""


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (("--help",), "bench"),
        (("run", "--help"), "--backbone"),
        (("runs", "list"), "done"),
        (("runs", "list", "--json"), '"state": "done"'),
    ],
    ids=" ".join,
)
def test_it_imports_nothing_slow(
    command: tuple[str, ...],
    says: str,
    library: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HASHLENS_HOME", str(library.home))
    monkeypatch.setenv("COLUMNS", "200")

    out, err = python(SCRIPT, *command).communicate()

    assert says in out, err
    assert out.splitlines()[-1] == "imported:"
