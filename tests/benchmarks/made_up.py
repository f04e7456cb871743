"""A run that nobody measured."""

from __future__ import annotations

from benchmarks.frame import Row, Run


def run_of(*rows: Row) -> Run:
    return Run(
        subject="made-up",
        size=10,
        protocol="",
        peer="",
        bound="",
        clock="cpu_s",
        threads=1,
        date="2026-01-01",
        commit="",
        machine="",
        versions={},
        load=(0.0, 0.0),
        note="",
        rows=rows,
    )
