"""HashLens from Python: learn codes from arrays, search and measure them, open runs.

    from pipeline.api import Hasher, Index, encode_images, evaluate_codes, open_run

Codes are packed everywhere: (n, ceil(bits / 8)) uint8, the first bit is the highest of the first
byte, padding is 0. docs/api.md shows how; a test runs it.
"""

from __future__ import annotations

from models.registry import list_methods
from pipeline.api.codes import Index, Nearest, evaluate_codes
from pipeline.api.hasher import Hasher
from pipeline.api.trained import TrainedRun, encode_images, open_run
from pipeline.evaluation.report import Report

__all__ = [
    "Hasher",
    "Index",
    "Nearest",
    "Report",
    "TrainedRun",
    "encode_images",
    "evaluate_codes",
    "list_methods",
    "open_run",
]
