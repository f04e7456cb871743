"""Importing many small files: `python -m benchmarks.bench_import [files]`.

Class folders of 32 x 32 JPEGs, 100 classes, all different. Measured: the dry run, an import that is
killed (SIGKILL) in the middle, its resumption, and an import in one go; rate, peak memory and what
of it the process had before it began (mostly torch). The resumed and the uninterrupted import must
give the same data set. Pillow alone decoding the same files is the peer: nothing can be faster than
that on one core.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

N_CLASSES = 100
Measured = tuple[int, float, float, float, str]
CHILD = """
import json, sys, time
from pathlib import Path
from pipeline.ingest.importing import execute_import, plan_import
from pipeline.ingest.request import ImportRequest
from pipeline.settings import Settings
from tests.memory import peak_mib

kind, folder, home = sys.argv[1:]
settings, began = Settings(home=Path(home)), time.perf_counter()
start_mb = peak_mib()
print(json.dumps(start_mb), flush=True)
request = ImportRequest(source=folder, name="many")
def show(done, total):
    if done % 500 == 0:
        print(done, flush=True)
if kind == "check":
    plan = plan_import(request, settings, show)
    n, digest = plan.info.n, plan.info.fingerprint
else:
    info = execute_import(request, settings, show).info
    n, digest = info.n, info.fingerprint
seconds = time.perf_counter() - began
peak_mb = peak_mib()
print(json.dumps([n, seconds, start_mb, peak_mb, digest]), flush=True)
"""


def write_files(root: Path, n: int) -> float:
    """Write n small images; returns megabytes."""
    rng, n_bytes = np.random.default_rng(0), 0
    for number in range(N_CLASSES):
        (root / f"class {number:03d}").mkdir(parents=True)
    for number in range(n):
        buffer = io.BytesIO()
        pixels = rng.integers(0, 256, (4, 4, 3), dtype=np.uint8)
        Image.fromarray(pixels).resize((32, 32), Image.Resampling.BICUBIC).save(buffer, "JPEG")
        n_bytes += len(buffer.getvalue())
        path = root / f"class {number % N_CLASSES:03d}" / f"{number:06d}.jpg"
        path.write_bytes(buffer.getvalue())
    return n_bytes / 1e6


def run(kind: str, folder: Path, home: Path, kill_at: int = 0) -> Measured:
    """Images, seconds, MB at the start and at most, digest; killed when `kill_at` are done."""
    process = subprocess.Popen(
        [sys.executable, "-c", CHILD, kind, str(folder), str(home)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path.cwd())},
    )
    assert process.stdout is not None
    start_mb = float(process.stdout.readline())
    began, line = time.perf_counter(), ""
    for line in process.stdout:
        if kill_at and line.strip().isdecimal() and int(line) >= kill_at:
            status = Path(f"/proc/{process.pid}/status").read_text("utf-8")
            peak = next(row for row in status.splitlines() if row.startswith("VmHWM"))
            process.send_signal(signal.SIGKILL)
            process.wait()
            peak_mb = int(peak.split()[1]) / 1024
            return int(line), time.perf_counter() - began, start_mb, peak_mb, "killed"
    process.wait()
    n, seconds, start_mb, peak_mb, digest = json.loads(line)
    return n, seconds, start_mb, peak_mb, digest


def main(n: int) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        size_mb = write_files(root / "files", n)
        files = sorted((root / "files").rglob("*.jpg"))
        began = time.perf_counter()
        for path in files:
            with Image.open(path) as image:
                image.load()
        rows = [("Pillow decodes, nothing else", n, time.perf_counter() - began, 0.0, 0.0)]
        rows.append(("dry run", *run("check", root / "files", root / "a")[:4]))
        assert not (root / "a").exists()
        killed = run("import", root / "files", root / "a", kill_at=n // 2)
        rows.append(("import, killed in the middle", *killed[:4]))
        assert not list((root / "a" / "datasets").glob("[!.]*"))
        resumed = run("import", root / "files", root / "a")
        rows.append(("  resumed to the end", resumed[0] - killed[0], *resumed[1:4]))
        whole = run("import", root / "files", root / "b")
        rows.append(("import in one go", *whole[:4]))
        assert resumed[4] == whole[4]
        shutil.rmtree(root / "b")
    print(f"{n:,} JPEGs of 32 x 32 pixels, {size_mb:.0f} MB, {N_CLASSES} classes")
    print("| what | images | s | images/s | MB at start | MB at most |")
    print("| --- | --- | --- | --- | --- | --- |")
    for what, count, seconds, start, peak in rows:
        memory = f"{start:.0f} | {peak:.0f}" if peak else "|"
        print(f"| {what} | {count:,} | {seconds:.1f} | {count / seconds:,.0f} | {memory} |")
    print("killed and resumed = in one go, by content: yes")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
