"""The rules of docs/architecture.md that a machine can check: imports, sizes, docstrings, types."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FILES = {
    path.relative_to(ROOT).as_posix(): path.read_text("utf-8")
    for package in ("models", "pipeline", "dashboard")
    for path in sorted((ROOT / package).rglob("*.py"))
}
TESTS = {
    path.relative_to(ROOT).as_posix(): path.read_text("utf-8")
    for path in sorted((ROOT / "tests").rglob("test_*.py"))
}
FROM_TORCHVISION = ("models/backbones/", "pipeline/ingest/sources/torchvision_sets.py")
MAX_FILE, MAX_PAGE, MAX_FUNCTION = 350, 80, 60

# A path prefix, what must not be imported below it, and the paths that may all the same.
BANS: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (
    ("", ("pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"), ()),
    ("", ("torchvision",), FROM_TORCHVISION),
    ("", ("qdrant_client", "qdrant_edge"), ("pipeline/index/store/",)),
    ("", ("faiss",), ("pipeline/runs/codecs.py",)),
    ("", ("os.environ", "os.getenv", "os.putenv"), ("pipeline/settings.py",)),
    ("", ("typer",), ("pipeline/cli/",)),
    ("models/", ("pipeline", "dashboard", "streamlit"), ()),
    ("models/methods/", ("models.methods",), ()),
    ("pipeline/", ("dashboard", "streamlit"), ()),
    ("dashboard/charts/", ("streamlit",), ()),
    ("dashboard/services/", ("streamlit",), ()),
)

# Rooms from the ground up: each imports rooms above it in this list only, and not its neighbours.
GROUND = "settings logs decoding edits wording progress options spreadsheets"
PIPELINE = (
    set(GROUND.split()),
    {"sums"},
    {"files", "devices"},
    {"library_version", "images", "augment", "embedding", "launching", "jobs"},
    {"datasets"},
    {"ingest", "evaluation", "stored_features"},
    {"features", "backbones"},
    {"runs", "catalog"},
    {"index", "annotations"},
    {"analysis"},
    {"deletions"},
    {"library", "worker", "vectors", "sharing", "scaling"},
    {"watch"},
    {"serving", "doctor", "backup"},
    {"cli", "api"},
)
DASHBOARD = (
    {"charts"},
    {"services"},
    {"state", "access", "server_logs"},
    {"cached"},
    {"widgets"},
    {"explore", "evaluate", "build", "share"},
    {"routes"},
    {"main", "app"},
)
# What a text must not name itself, what does it instead, and where that is.
COMMANDS = {
    "python -m pipeline": ("COMMAND", "pipeline/wording.py"),
    "requirements-": ("extra()", "models/installation.py"),
}
OF_MODELS = (
    "models.codes",
    "models.method.MethodCard",
    "models.installation",
)  # what the dashboard may know of models


def level(room: str, rooms: tuple[set[str], ...]) -> int:
    """How far above the ground a room is; -1 for none of them."""
    return next((number for number, names in enumerate(rooms) if room in names), -1)


def upward(path: str, source: str) -> list[str]:
    """Imports of rooms that are not below the file's own."""
    package, _, rest = path.partition("/")
    rooms = {"pipeline": PIPELINE, "dashboard": DASHBOARD}.get(package)
    own = rest.split("/")[0].removesuffix(".py")
    if rooms is None or own.startswith("__"):
        return []
    found = {
        name.split(".")[1]: name
        for name in sorted(uses(source))
        if name.startswith(f"{package}.") and name.split(".")[1] != own
    }
    unknown = [] if level(own, rooms) >= 0 else [f"{path} is in no room of the plan"]
    return unknown + [
        f"{path} uses {name}"
        for room, name in found.items()
        if level(room, rooms) >= level(own, rooms)
    ]


def smuggled(path: str, source: str) -> list[str]:
    """Names of models in the dashboard beyond those that it may know."""
    if not path.startswith("dashboard/"):
        return []
    names = (name for name in sorted(uses(source)) if name.split(".")[0] == "models")
    return [f"{path} uses {name}" for name in names if not name.startswith(OF_MODELS)]


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
    """Page switches past `state.switch_page` and fragments past `isolated_fragment`."""
    switches = "st.switch_page(" in source and path != "dashboard/state.py"
    fragments = "st.fragment" in source and path != "dashboard/widgets/fragments.py"
    return [f"{path} calls st.switch_page"] * switches + [f"{path} uses st.fragment"] * fragments


def fixed(path: str, source: str) -> list[str]:
    """Texts that name a command which an installed HashLens, or a checkout, does not have."""
    tree = ast.parse(source)
    is_help = path.startswith("pipeline/cli/")  # where docstrings are shown
    kept = {id(n.value) for n in ast.walk(tree) if isinstance(n, ast.Expr) and not is_help}
    return [
        f"{path}:{node.lineno} names {command!r}; use {way}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in kept
        for command, (way, place) in COMMANDS.items()
        if command in node.value and path != place
    ]


def too_long(path: str, source: str) -> list[str]:
    """The file and its functions where they exceed the limits."""
    limit = MAX_PAGE if path.endswith("_page.py") else MAX_FILE
    lengths = {path: (len(source.splitlines()), limit)}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            lengths[f"{path}:{node.lineno} {node.name}"] = (length, MAX_FUNCTION)
    return [f"{name}: {n} lines" for name, (n, most) in lengths.items() if n > most]


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
        + upward(path, source)
        + smuggled(path, source)
        + printing(path, source)
        + forgetful(path, source)
        + fixed(path, source)
        + too_long(path, source)
    )
    if not path.startswith("dashboard/"):
        broken += undocumented(path, source)

    assert not broken


def hasty(path: str, source: str) -> list[str]:
    """Tests that sleep instead of waiting for a condition, or that import another test."""
    calls = [node.func for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    names = {getattr(call, "attr", getattr(call, "id", "")) for call in calls}
    sleeps = sorted(names & {"sleep", "wait_for_timeout"})
    tests = [name for name in sorted(uses(source)) if re.match(r"tests[.](\w+[.])*test_", name)]
    return [f"{path} calls {name}" for name in sleeps] + [f"{path} uses {name}" for name in tests]


@pytest.mark.parametrize("path", TESTS)
def test_tests_neither_sleep_nor_import_each_other(path: str) -> None:
    assert not hasty(path, TESTS[path])


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
        ("dashboard/charts/curves.py", "import streamlit"),
        ("dashboard/services/search.py", "from streamlit import cache_data"),
    ],
)
def test_the_import_rules_can_fail(path: str, source: str) -> None:
    assert forbidden(path, source)


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("models/backbones/base.py", "import torchvision"),
        ("models/methods/itq.py", "from models.linear import LinearHashMethod"),
        ("models/contract.py", "from models.methods.lsh import LSH"),
        ("pipeline/settings.py", "import os\nhome = os.environ"),
        ("pipeline/files.py", "import os\nos.fsync(1)"),
        ("pipeline/index/store/qdrant.py", "from qdrant_client import models"),
        ("pipeline/cli/data.py", "import typer"),
        ("dashboard/cached/library.py", "import streamlit"),
        ("dashboard/main.py", "from pipeline.catalog import method_cards"),
    ],
)
def test_the_import_rules_allow_what_is_allowed(path: str, source: str) -> None:
    assert not forbidden(path, source)


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("pipeline/datasets/split.py", "from pipeline.runs.spec import RunSpec"),
        ("pipeline/evaluation/evaluate.py", "from pipeline.ingest.source import Source"),
        ("pipeline/ingest/ingest.py", "from pipeline.runs.registry import Run"),
        ("pipeline/annotations/tags.py", "from pipeline.index.publish import publish"),
        ("pipeline/files.py", "from pipeline.datasets.dataset import load_dataset"),
        ("pipeline/attic.py", "import json"),
        ("dashboard/services/search.py", "from dashboard.cached import search"),
        ("dashboard/cached/search.py", "from dashboard.widgets import notices"),
        ("dashboard/explore/search_page.py", "from dashboard.build import train_form"),
    ],
)
def test_the_rooms_can_be_left_in_no_other_way(path: str, source: str) -> None:
    assert upward(path, source)


def test_the_dashboard_knows_codes_and_cards_of_the_models_alone() -> None:
    assert smuggled("dashboard/main.py", "from models.registry import get_method")
    assert not smuggled("dashboard/main.py", "from models.codes import HashCodes")


def test_the_other_rules_can_fail() -> None:
    long_function = "def f() -> None:\n" + "    pass\n" * MAX_FUNCTION
    undocumented_class = '"""Doc."""\nclass A:\n    """Doc."""\n    def f(self) -> None: ...'

    assert too_long("a.py", long_function) == ["a.py:1 f: 61 lines"]
    assert too_long("a.py", "\n" * (MAX_FILE + 1)) == ["a.py: 351 lines"]
    assert too_long("a_page.py", "\n" * (MAX_PAGE + 1)) == ["a_page.py: 81 lines"]
    assert printing("models/a.py", "print(1)")
    assert forgetful("dashboard/main.py", 'st.switch_page("a.py")')
    assert forgetful("dashboard/main.py", "@st.fragment")
    named = 'def f():\n    """python -m pipeline."""\n    return f"python -m " "pipeline {x}"'
    assert fixed("a.py", named) == ["a.py:3 names 'python -m pipeline'; use COMMAND"]
    assert len(fixed("pipeline/cli/a.py", named)) == 2
    assert fixed("a.py", "x = 'pip install -r requirements-export.txt'")
    assert hasty("tests/test_a.py", "import time\ntime.sleep(1)")
    assert hasty("tests/test_a.py", "page.wait_for_timeout(500)")
    assert hasty("tests/test_a.py", "from tests.dashboard.test_b import texts")
    assert not hasty("tests/test_a.py", "from tests.factories import wait_until")
    assert undocumented("a.py", "x = 1") == ["a.py has no docstring"]
    assert undocumented("a.py", undocumented_class) == ["a.py:4 f has no docstring"]
    assert undocumented("a.py", '"""Doc."""\ndef _f(): ...') == ["a.py:2 _f has no return type"]
    assert not undocumented("a.py", '"""Doc."""\nclass _A:\n    def f(self) -> None: ...')
    assert not undocumented("a.py", '"""Doc."""\ndef f() -> None:\n    """Doc."""')
