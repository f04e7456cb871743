"""The demo: from nothing to search results on screen, and the command that opens the dashboard."""

from __future__ import annotations

import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.console import console, current_settings, print_table, progress_bars
from pipeline.cli.index import publish_run
from pipeline.cli.running import run_spec
from pipeline.datasets.importing import import_dataset
from pipeline.datasets.sources import SourceRequest, open_source
from pipeline.execute import cosine_report
from pipeline.runs import Run
from pipeline.spec import RunSpec

DATASET = "openmoji"
METHODS = ("itq", "ud2h")
_START_TRIES = 120  # half a second apart
_ROOT = Path(__file__).resolve().parents[2]


def demo(
    open_app: Annotated[bool, typer.Option(help="Open the dashboard at the end.")] = True,
    port: Annotated[int, typer.Option(help="Port of the dashboard.")] = 8501,
    backbone: Annotated[str, typer.Option(help="Feature network.")] = "efficientnet_lite0",
) -> None:
    """Import the built-in data set, train, publish and compare two methods, open the dashboard."""
    settings = current_settings()
    request = SourceRequest(downloads=settings.home / "downloads")
    with progress_bars() as show:
        dataset = import_dataset(
            open_source(DATASET, request),
            settings,
            on_progress=lambda done, total: show("import", done, total),
        )
    finished: list[Run] = []
    for method in METHODS:
        spec = RunSpec(
            dataset=DATASET,
            method=method,
            backbone=backbone,
            label_set=dataset.label_set().name,
            protocol=dataset.info.default_protocol,
        )
        finished.append(run_spec(spec))
        publish_run(finished[-1])
    rows = [
        (run.spec.label, f"{100 * run.report().map:.1f}", run.report().bytes_per_item)
        for run in finished
    ]
    cosine = cosine_report(finished[0].spec, dataset, settings)
    if cosine:
        rows.insert(0, ("cosine of the features", f"{100 * cosine.map:.1f}", cosine.bytes_per_item))
    print_table(("ranking", "mAP %", "bytes an image"), rows, f"{dataset.info.title}: {DATASET}")
    console.print(finished[0].report().protocol.summary)
    console.print(f"{dataset.info.attribution}", style="dim")
    if open_app:
        serve(port)


def serve(port: Annotated[int, typer.Option(help="Port of the dashboard.")] = 8501) -> None:
    """Serve the dashboard and open it in the browser."""
    url = f"http://localhost:{port}"
    command = [sys.executable, "-m", "streamlit", "run", "dashboard/app.py"]
    console.print(f"Dashboard: {url} (stop with Ctrl-C)")
    with subprocess.Popen([*command, "--server.port", str(port)], cwd=_ROOT) as server:
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
