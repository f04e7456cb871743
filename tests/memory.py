"""Peak memory of this process, for tests and benchmarks on Linux."""

from __future__ import annotations

from pathlib import Path


def peak_mib() -> float:
    """Most memory so far, in MiB: that of this program alone.

    `resource.getrusage` will not do: a child begins with the peak of its parent, which hides what
    the child itself takes.
    """
    lines = Path("/proc/self/status").read_text("utf-8").splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024
