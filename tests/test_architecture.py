"""The rules of docs/architecture.md that a machine can check: imports, sizes, docstrings, types."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FILES = {
    path.relative_to(ROOT).as_posix(): path.read_text("utf-8")
    for package in ("models", "pipeline", "dashboard")
    for path in sorted((ROOT / package).rglob("*.py"))
}
FROM_TORCHVISION = ("models/backbones.py", "pipeline/datasets/sources/torchvision_sets.py")
MAX_FILE, MAX_FUNCTION = 350, 60

# A path prefix, what must not be imported below it, and the paths that may all the same.
BANS: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (
    ("", ("pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"), ()),
    ("", ("torchvision",), FROM_TORCHVISION),
    ("", ("qdrant_client", "qdrant_edge"), ("pipeline/store/",)),
    ("", ("os.environ", "os.getenv", "os.putenv"), ("pipeline/settings.py",)),
    ("", ("typer",), ("pipeline/cli/",)),
    ("models/", ("pipeline", "dashboard", "streamlit"), ()),
    ("models/methods/", ("models.methods",), ()),
    ("pipeline/", ("dashboard", "streamlit"), ()),
    ("dashboard/", ("models",), ()),
    ("dashboard/charts/", ("streamlit",), ()),
    ("dashboard/services/", ("streamlit",), ("dashboard/services/resources/",)),
)


def uses(source: str) -> set[str]:
    """Dotted names of everything a file imports, and of `os` attributes it reads."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            found |= {f"os.{node.attr}"} if node.value.id == "os" else set()
    return found


def forbidden(path: str, source: str) -> list[str]:
    """What a file imports against the rules."""
    return [
        f"{path} uses {name}"
        for prefix, banned, allowed in BANS
        if path.startswith(prefix) and not any(path.startswith(place) for place in allowed)
        for name in sorted(uses(source))
        if any(f"{name}.".startswith(f"{root}.") for root in banned)
    ]


def printing(path: str, source: str) -> list[str]:
    """Calls of print outside the command line."""
    calls = [node.func for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    prints = any(isinstance(call, ast.Name) and call.id == "print" for call in calls)
    return [f"{path} prints"] if prints and not path.startswith("pipeline/cli/") else []


def forgetful(path: str, source: str) -> list[str]:
    """Page switches past `state.switch_page`, fragments past `alone`: each loses something."""
    switches = "st.switch_page(" in source and path != "dashboard/state.py"
    fragments = "st.fragment" in source and path != "dashboard/components/fragments.py"
    return [f"{path} calls st.switch_page"] * switches + [f"{path} uses st.fragment"] * fragments


def too_long(path: str, source: str) -> list[str]:
    """The file and its functions where they exceed the limits."""
    lengths = {path: (len(source.splitlines()), MAX_FILE)}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            lengths[f"{path}:{node.lineno} {node.name}"] = (length, MAX_FUNCTION)
    return [f"{name}: {n} lines" for name, (n, limit) in lengths.items() if n > limit]


def undocumented(path: str, source: str) -> list[str]:
    """Public modules, classes and functions without a docstring, and functions without types."""
    tree = ast.parse(source)
    missing = [] if ast.get_docstring(tree) else [f"{path} has no docstring"]
    for node, is_public in _definitions(tree):
        name = f"{path}:{node.lineno} {node.name}"
        if is_public and not ast.get_docstring(node):
            missing.append(f"{name} has no docstring")
        if not isinstance(node, ast.ClassDef) and node.returns is None:
            missing.append(f"{name} has no return type")
    return missing


def _definitions(
    scope: ast.Module | ast.ClassDef, is_public: bool = True
) -> Iterator[tuple[ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef, bool]]:
    """Classes, functions and methods, each with whether it and what it is in are public."""
    for node in scope.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node, is_public and not node.name.startswith("_")
        if isinstance(node, ast.ClassDef):
            yield from _definitions(node, is_public and not node.name.startswith("_"))


@pytest.mark.parametrize("path", FILES)
def test_the_file_keeps_the_rules(path: str) -> None:
    source = FILES[path]

    broken = (
        forbidden(path, source)
        + printing(path, source)
        + forgetful(path, source)
        + too_long(path, source)
    )
    if not path.startswith("dashboard/"):
        broken += undocumented(path, source)

    assert not broken


def test_no_dashboard_module_shadows_a_package() -> None:
    """Streamlit puts dashboard/ first on the path."""
    assert not {"models", "pipeline", "tests"} & {p.stem for p in (ROOT / "dashboard").iterdir()}


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("models/codes.py", "import pickle"),
        ("models/codes.py", "from pipeline.runs import Run"),
        ("models/codes.py", "def f():\n    import streamlit as st"),
        ("models/codes.py", "import os\nhome = os.environ['HOME']"),
        ("models/codes.py", "from os import environ"),
        ("pipeline/runs.py", "import os\nhome = os.getenv('HOME')"),
        ("models/linear.py", "import torchvision.models"),
        ("models/methods/itq.py", "from models.methods.pcah import PCAH"),
        ("models/methods/itq.py", "from models.methods import pcah"),
        ("pipeline/runs.py", "from dashboard.state import run"),
        ("pipeline/search.py", "import qdrant_client"),
        ("pipeline/search.py", "from qdrant_edge import EdgeShard"),
        ("pipeline/worker.py", "import typer"),
        ("dashboard/main.py", "from models.registry import get_method"),
        ("dashboard/charts/curves.py", "import streamlit"),
        ("dashboard/services/search.py", "from streamlit import cache_data"),
    ],
)
def test_the_import_rules_can_fail(path: str, source: str) -> None:
    assert forbidden(path, source)


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("models/backbones.py", "import torchvision"),
        ("models/methods/itq.py", "from models.linear import LinearHashMethod"),
        ("models/contract.py", "from models.methods.lsh import LSH"),
        ("pipeline/settings.py", "import os\nhome = os.environ"),
        ("pipeline/files.py", "import os\nos.fsync(1)"),
        ("pipeline/store/qdrant.py", "from qdrant_client import models"),
        ("pipeline/cli/data.py", "import typer"),
        ("dashboard/services/resources/stored.py", "import streamlit"),
        ("dashboard/main.py", "from pipeline.catalog import method_cards"),
    ],
)
def test_the_import_rules_allow_what_is_allowed(path: str, source: str) -> None:
    assert not forbidden(path, source)


def test_the_other_rules_can_fail() -> None:
    long_function = "def f() -> None:\n" + "    pass\n" * MAX_FUNCTION
    undocumented_class = '"""Doc."""\nclass A:\n    """Doc."""\n    def f(self) -> None: ...'

    assert too_long("a.py", long_function) == ["a.py:1 f: 61 lines"]
    assert too_long("a.py", "\n" * (MAX_FILE + 1)) == ["a.py: 351 lines"]
    assert printing("models/a.py", "print(1)")
    assert forgetful("dashboard/main.py", 'st.switch_page("a.py")')
    assert forgetful("dashboard/main.py", "@st.fragment")
    assert undocumented("a.py", "x = 1") == ["a.py has no docstring"]
    assert undocumented("a.py", undocumented_class) == ["a.py:4 f has no docstring"]
    assert undocumented("a.py", '"""Doc."""\ndef _f(): ...') == ["a.py:2 _f has no return type"]
    assert not undocumented("a.py", '"""Doc."""\nclass _A:\n    def f(self) -> None: ...')
    assert not undocumented("a.py", '"""Doc."""\ndef f() -> None:\n    """Doc."""')
