"""What a search costs here: the time to compare one code with n others, measured once a length.

The exact scan of packed codes in memory depends on the code length and the number of codes, not on
the method. Two sizes give a constant part and a part per code, which hold for any collection.
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from models.codes import HashCodes
from pipeline.evaluation.ranking import ranked
from pipeline.files import keep
from pipeline.settings import Settings
from pipeline.sums import read_checked

_SMALL, _LARGE = 20_000, 200_000  # codes
_QUERIES, _REPEATS = 4, 5
_TOP = 100  # results of a search


class SearchCost(BaseModel):
    """Seconds of one search on one core: `constant + per_code * n`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    bits: int
    constant: float = Field(ge=0)
    per_code: float = Field(ge=0)

    def seconds(self, n_codes: float) -> float:
        """Time of one search among `n_codes` codes."""
        return self.constant + self.per_code * n_codes


def search_cost(bits: int, settings: Settings) -> SearchCost:
    """The cost of a search with codes of `bits` bits; measured when first asked for, then kept.

    Raises:
        ValueError: bits is below 1.
    """
    path = settings.home / "baselines" / f"scan-{bits}b.json"
    if (stored := _stored(path)) is not None:
        return stored
    small, large = (_seconds(bits, n) for n in (_SMALL, _LARGE))
    per_code = max(large - small, 0.0) / (_LARGE - _SMALL)
    cost = SearchCost(bits=bits, constant=max(small - per_code * _SMALL, 0.0), per_code=per_code)
    keep(path, cost.model_dump_json())
    return cost


def _stored(path: Path) -> SearchCost | None:
    try:
        return SearchCost.model_validate_json(read_checked(path).decode())
    except (OSError, ValueError):  # never measured, or damaged: it is measured again
        return None


def _seconds(bits: int, n_codes: int) -> float:
    """The fastest of a few searches, since whatever disturbs a measurement makes it longer."""
    rng = np.random.default_rng(bits)
    codes = HashCodes.from_relaxed(rng.standard_normal((n_codes, bits), np.float32))
    queries = codes[:_QUERIES]
    best = float("inf")
    for _ in range(_REPEATS):
        began = time.perf_counter()
        ranked(queries, codes, _TOP)
        best = min(best, time.perf_counter() - began)
    return best / _QUERIES
