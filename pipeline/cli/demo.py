"""The demo: from nothing to search results on screen; opening the dashboard."""

from __future__ import annotations

import subprocess
import sys
import time
import urllib.request
from itertools import groupby, product
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.console import announce, current_settings, print_table, progress_bars, say
from pipeline.cli.index import ImagesOption, publish_run
from pipeline.cli.running import run_spec
from pipeline.datasets.dataset import RetrievalDataset
from pipeline.runs.run import Run
from pipeline.runs.spec import RunSpec
from pipeline.settings import Settings

if TYPE_CHECKING:
    from pipeline.index.coverage import Images

DATASET = "openmoji"
PLAN = (  # label set, method, whether it is published; tags are on half of the images
    ("category", "itq", True),
    ("category", "ud2h", True),
    ("tags", "itq", False),
    ("tags", "ud2h", False),
    ("tags", "dfadh", True),
)
BITS = (16, 32, 64)  # of each method, so that quality can be seen against memory
PUBLISHED_BITS = (32, 64)
_START_TRIES = 120  # half a second apart
_APP = Path(__file__).resolve().parents[2] / "dashboard" / "app.py"


def demo(
    open_app: Annotated[bool, typer.Option(help="Open the dashboard at the end.")] = True,
    port: Annotated[int, typer.Option(help="Port of the dashboard.")] = 8501,
    backbone: Annotated[str, typer.Option(help="Feature network.")] = "efficientnet_lite0",
    images: ImagesOption = "all",
) -> None:
    """Import the built-in data set, train methods at 16, 32 and 64 bits, open the dashboard."""
    from pipeline.ingest.ingest import import_dataset
    from pipeline.ingest.sources import SourceRequest, open_source

    settings = current_settings()
    request = SourceRequest(downloads=settings.home / "downloads")
    with progress_bars() as show:
        dataset = import_dataset(
            open_source(DATASET, request),
            settings,
            on_progress=lambda done, total: show("import", done, total),
        )
    finished = _train(dataset, backbone, images)
    _measure_alternatives(finished[0], dataset, settings)
    _print_results(finished, dataset, settings)
    say((dataset.info.attribution, "dim"))
    if open_app:
        serve(port)


def _train(dataset: RetrievalDataset, backbone: str, images: Images) -> list[Run]:
    """Every method of the plan at every code length; those to be searched are published."""
    finished: list[Run] = []
    for (labels, method, is_published), bits in product(PLAN, BITS):
        spec = RunSpec(
            dataset=DATASET,
            method=method,
            bits=bits,
            backbone=backbone,
            label_set=labels,
            protocol=dataset.info.default_protocol,
        )
        finished.append(run_spec(spec))
        if is_published and bits in PUBLISHED_BITS:
            publish_run(finished[-1], images)
    return finished


def _measure_alternatives(run: Run, dataset: RetrievalDataset, settings: Settings) -> None:
    """What the leaderboard sets beside the codes, by the first labels."""
    from pipeline.backbones import load_backbone
    from pipeline.features import FeatureCache
    from pipeline.runs.alternative_reports import measure_alternatives
    from pipeline.runs.ground_truth import GroundTruth

    truth = GroundTruth(run.spec, dataset, settings)
    cache = FeatureCache(load_backbone(run.spec.backbone, settings), settings)
    with progress_bars() as show:
        measure_alternatives(truth, settings, cache, on_progress=show)


def _print_results(finished: list[Run], dataset: RetrievalDataset, settings: Settings) -> None:
    """A table for each label set, since numbers on different labels are not comparable."""
    from pipeline.runs.baselines import cosine_report

    for labels, group in groupby(finished, key=lambda run: run.spec.label_set):
        runs = list(group)
        measured = [(run.spec.label, run.report()) for run in runs]
        cosine = cosine_report(runs[0].spec, dataset, settings)
        if cosine:
            measured.insert(0, ("cosine of the features", cosine))
        print_table(
            ("ranking", "mAP %", "bytes per image"),
            [(name, f"{100 * one.map:.1f}", one.bytes_per_item) for name, one in measured],
            f"{dataset.info.title}, relevant by {labels}: {measured[0][1].n_database:,} images",
        )
    say(finished[0].report().protocol.summary)


def serve(port: Annotated[int, typer.Option(help="Port of the dashboard.")] = 8501) -> None:
    """Serve the dashboard and open it in the browser."""
    url = f"http://localhost:{port}"
    command = [sys.executable, "-m", "streamlit", "run", str(_APP)]
    announce(f"Dashboard: {url} (stop with Ctrl-C)")
    with subprocess.Popen([*command, "--server.port", str(port)]) as server:
        try:
            if _answers(f"{url}/healthz", server):
                typer.launch(url)  # does nothing where there is no browser
            code = server.wait()
        except KeyboardInterrupt:
            server.terminate()
            return
    raise typer.Exit(code)


def _answers(url: str, server: subprocess.Popen[bytes]) -> bool:
    """Wait until `url` answers; False when the server ends or stays silent."""
    for _ in range(_START_TRIES):
        if server.poll() is not None:
            return False
        try:
            with urllib.request.urlopen(url, timeout=2):
                return True
        except OSError:
            time.sleep(0.5)
    return False
