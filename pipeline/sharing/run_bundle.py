"""A run in a folder or in a repository of Hugging Face: model, codes, reports and a model card.

    README.md                   the card, made from the method's
    spec.json, run.json         what was asked; how it went, without the machine's name
    report*.json, history.jsonl
    model/                      safetensors and JSON
    codes/                      packed bits and rows; arrays alone

Nothing in it is a pickle, and nothing of it is run.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from pipeline.catalog import method_card
from pipeline.datasets.dataset import DatasetError, load_dataset
from pipeline.evaluation.metric_table import METRICS
from pipeline.ingest.hub import HUB, hub_client
from pipeline.runs.registry import RunRegistry
from pipeline.runs.results import RunError
from pipeline.runs.run import Run
from pipeline.runs.spec import StoredSpec
from pipeline.runs.status import read_status
from pipeline.settings import Settings
from pipeline.sums import note_sums
from pipeline.wording import sentence

_FILES = ("spec.json", "run.json", "report*.json", "curves*.npz", "history.jsonl")
_FOLDERS = {"model": ("*.json", "*.safetensors"), "codes": ("*.npz",)}
_NAME = re.compile(r"[0-9A-Za-z-]+_[a-z0-9_]+_[a-z0-9_-]+_\d+b_[0-9a-f]{4}")  # becomes a folder
_SHOWN = ("map", "precision_at_10", "ndcg_at_100", "recall_at_1")


class BundleError(ValueError):
    """A run cannot be pushed or pulled; the message says why."""


def push(run: Run, target: str) -> str:
    """Write a finished run to a folder, or to a repository of Hugging Face.

    Args:
        run: which.
        target: a folder that is not there yet, or `hf://OWNER/NAME`.

    Returns:
        Where it is now.

    Raises:
        BundleError: the folder is there, or the repository cannot be written.
        RunError: the run is not done.
    """
    if run.state() != "done":
        raise RunError(f"run {run.id} is {run.state()}; only finished runs are pushed")
    if not target.startswith(HUB):
        place = Path(target)
        if place.exists():
            raise BundleError(f"{place} is there already; choose another folder")
        with tempfile.TemporaryDirectory(dir=place.absolute().parent) as partial:
            _write(run, Path(partial) / "run", place.name)
            (Path(partial) / "run").rename(place)
        return str(place)
    name = target.removeprefix(HUB)
    with tempfile.TemporaryDirectory() as partial:
        folder = Path(partial) / "run"
        _write(run, folder, target)
        remedy = "go online, sign in with `hf auth login`, or push to a folder"
        with hub_client(target, BundleError, remedy) as hub:
            api = hub.HfApi()
            api.create_repo(name, exist_ok=True)
            api.upload_folder(repo_id=name, folder_path=folder, commit_message=f"Run {run.id}")
    return f"https://huggingface.co/{name}"


def pull(source: str, settings: Settings) -> Run:
    """Take a run from a folder or a repository into the library, under its own id.

    Args:
        source: as `push` wrote it.
        settings: say where the library is.

    Raises:
        BundleError: it is no run, is here already, or the repository cannot be read.
        RunError: its files are damaged.
    """
    if not source.startswith(HUB):
        return _take(Path(source), settings)
    patterns = [*_FILES, *(f"{folder}/*" for folder in _FOLDERS)]
    remedy = "go online, or load its files elsewhere and pull their folder"
    with tempfile.TemporaryDirectory() as place:
        with hub_client(source, BundleError, remedy) as hub:
            name = source.removeprefix(HUB)
            hub.snapshot_download(name, local_dir=place, allow_patterns=patterns)
        return _take(Path(place), settings)


def missing_dataset(run: Run, settings: Settings) -> str:
    """Why the run's images cannot be searched here, as a sentence; empty where they can."""
    try:
        run.check_dataset(*load_dataset(run.spec.dataset, settings).info.fingerprints)
    except (DatasetError, RunError) as error:
        return str(error)
    return ""


def _write(run: Run, folder: Path, source: str) -> None:
    for path in _parts(run.folder):
        place = folder / path.relative_to(run.folder)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, place)
    status = run.status().model_copy(update={"host": "", "pid": 0})  # of no use elsewhere
    (folder / "run.json").write_text(status.model_dump_json(indent=2) + "\n", "utf-8")
    (folder / "README.md").write_text(model_card(run, source), "utf-8")


def _take(folder: Path, settings: Settings) -> Run:
    if not ((folder / "spec.json").is_file() and (folder / "run.json").is_file()):
        raise BundleError(f"{folder} holds no run: spec.json and run.json are missing")
    registry = RunRegistry(settings)
    name = run_name(folder)
    place = registry.path / name
    if place.exists():
        raise BundleError(f"the run {name} is here already")
    partial = registry.path / f".{name}.pulled"
    shutil.rmtree(partial, ignore_errors=True)
    try:
        for path in _parts(folder):
            target = partial / path.relative_to(folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
        _check(partial)
        for filled in (partial, *(partial / name for name in _FOLDERS)):
            note_sums(filled)
        partial.rename(place)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return registry.open(name)


def run_name(folder: Path) -> str:
    """The id of a pulled run: made from its spec and time, never from what a file calls it."""
    try:
        stored = StoredSpec.model_validate_json((folder / "spec.json").read_text("utf-8"))
        status = read_status((folder / "run.json").read_text("utf-8"))
        moment = status.created[:19].replace(":", "-")
        digest = stored.spec.digest[:4]
    except ValueError as error:
        raise BundleError(
            f"{folder} holds no run that this version reads: {sentence(error)}"
        ) from error
    name = f"{moment}_{stored.method}_{stored.dataset}_{stored.bits}b_{digest}"
    if not _NAME.fullmatch(name):
        raise BundleError(f"{folder} holds no run: {name!r} is no name for one")
    return name


def _check(folder: Path) -> None:
    """Read everything once, so that what is damaged is refused and not kept."""
    run = Run(folder, StoredSpec.model_validate_json((folder / "spec.json").read_text("utf-8")))
    if run.status().state != "done":
        raise BundleError("the run is not finished")
    run.load_method()
    for part in ("query", "database"):
        run.load_codes(part)


def _parts(folder: Path) -> Iterator[Path]:
    """The files that belong to a bundle; links are left out."""
    found = [path for pattern in _FILES for path in folder.glob(pattern)]
    for name, patterns in _FOLDERS.items():
        found += [path for pattern in patterns for path in (folder / name).glob(pattern)]
    yield from (path for path in found if path.is_file() and not path.is_symlink())


def model_card(run: Run, source: str) -> str:
    """The README of a bundle: what the run is, what it reached, and how it is used.

    Args:
        run: which.
        source: where it can be pulled from.
    """
    spec, card = run.spec, method_card(run.spec.method)
    lines = [
        "---",
        "library_name: hashlens",
        f"tags: [image-retrieval, hashing, {card.name}]",
        "---",
        "",
        f"# {spec.label} on {spec.dataset}",
        "",
        f"{card.summary} {card.authors}, {card.venue} {card.year}.",
        "",
        f"- method: {card.title} ({card.supervision}), follows: {card.fidelity}",
        f"- code: {spec.bits} bits, {-(-spec.bits // 8)} bytes per image",
        f"- backbone: {spec.backbone}{', fine-tuned' if spec.finetune else ', frozen'}",
        f"- trained on: {spec.dataset}, label set {spec.label_set or 'none'}, seed {spec.seed}",
    ]
    lines += [f"- {deviation}" for deviation in card.deviations]
    lines += ["", "## Measured", "", *_measured(run), "", "## Use", "", "```"]
    lines += [f"hashlens pull {source}", "```", ""]
    return "\n".join(lines)


def _measured(run: Run) -> list[str]:
    try:
        report = run.report()
    except RunError:
        return ["Nothing was measured."]
    rows = [
        f"| {METRICS[name].title} | {report.value(name):.3f} |"
        for name in _SHOWN
        if report.values.get(name) is not None
    ]
    sizes = f"{report.n_query:,} queries, {report.n_database:,} images"
    protocol = f"{report.protocol.summary} {sizes}."
    return ["| measure | value |", "| --- | --- |", *rows, "", protocol]
