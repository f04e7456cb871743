"""What was measured of the database's quantizers: a report, its table and its finding."""

from __future__ import annotations

import pandas as pd
from pydantic import BaseModel, ConfigDict

from pipeline.evaluation.metric_table import METRICS
from pipeline.index.store.quantizers import FLOAT, TITLES
from pipeline.wording import percent

_GOOD_MAP, _GOOD_NEIGHBOURS = 0.95, 0.8


class QuantizerRow(BaseModel):
    """One quantizer on raw or centred features.

    Attributes:
        quantizer: name in `QUANTIZERS`.
        is_centred: whether the training mean was subtracted before.
        bytes: bytes per image that a search scans, on disk and in memory; None: not told.
        values: mean over queries of each metric, ties averaged; in [0, 1].
        ci_low: lower end of the 95 % interval of mAP over queries.
        ci_high: upper end.
        search_ms: milliseconds of a query for its nearest 10 images.
        build_s: seconds from the first vector until all are compressed.
    """

    model_config = ConfigDict(frozen=True)

    quantizer: str
    is_centred: bool = False
    bytes: int | None
    values: dict[str, float]
    ci_low: float
    ci_high: float
    search_ms: float
    build_s: float


class QuantizerReport(BaseModel):
    """All quantizers on one data set.

    Attributes:
        backbone: of the features.
        dimensions: d of the features.
        relevant: label set or relevance behind the numbers.
        protocol: its name.
        n_query: queries behind each row.
        n_database: images that each query scans.
        n_all: images of the whole database, and in front of it its queries.
        engine: `embedded`, or the address of the server.
        rows: one for each quantizer, raw and centred.
        left_out: why a quantizer has no row, by its name.
    """

    model_config = ConfigDict(frozen=True)

    backbone: str
    dimensions: int
    relevant: str
    protocol: str
    n_query: int
    n_database: int
    n_all: tuple[int, int]
    engine: str
    rows: tuple[QuantizerRow, ...]
    left_out: dict[str, str] = {}

    @property
    def left_out_titles(self) -> dict[str, str]:
        """Why a quantizer has no row, by its title."""
        return {TITLES.get(name, name): reason for name, reason in self.left_out.items()}

    @property
    def sentence(self) -> str:
        """What belongs to every number."""
        drawn = (
            ""
            if (self.n_query, self.n_database) == self.n_all
            else f", drawn from {self.n_all[0]:,} and {self.n_all[1]:,}"
        )
        return (
            f"Protocol {self.protocol}, relevant: {self.relevant}; features of {self.backbone} "
            f"({self.dimensions} dimensions); {self.n_query:,} queries, {self.n_database:,} "
            f"database images{drawn}; engine: {self.engine}. All vectors are scanned, nothing is "
            "rescored, ties are averaged."
        )


def quantizer_table(report: QuantizerReport) -> pd.DataFrame:
    """The rows of a report for people, raw and centred side by side; shares in percent.

    Columns Quantizer, Features (raw or centred), Bytes, the metrics by their titles, ± mAP, Search
    (ms), Build (s).
    """
    names = [row.quantizer for row in report.rows]
    return pd.DataFrame(
        [
            {
                "Quantizer": TITLES.get(row.quantizer, row.quantizer),
                "Features": "centred" if row.is_centred else "raw",
                "Bytes": row.bytes,
                **{METRICS[name].title: 100 * value for name, value in row.values.items()},
                "± mAP": 50 * (row.ci_high - row.ci_low),
                "Search (ms)": row.search_ms,
                "Build (s)": row.build_s,
            }
            for row in sorted(report.rows, key=lambda row: names.index(row.quantizer))
        ]
    )


def quantizer_finding(report: QuantizerReport) -> str:
    """The smallest rows that lose next to nothing, and what centring is worth, in a sentence.

    Next to nothing: 95 % of the mAP and 80 % of the exact neighbours of float32, centred.
    """
    rows = {(row.quantizer, row.is_centred): row for row in report.rows}
    exact = rows.get((FLOAT, True))
    if exact is None:
        return ""
    good = [
        row
        for row in report.rows
        if row.bytes is not None
        and row.values["map"] >= _GOOD_MAP * exact.values["map"]
        and row.values["neighbours_at_10"] >= _GOOD_NEIGHBOURS
    ]
    words = f"float32, centred, reaches {_said(exact)}"
    if good:
        best = min(good, key=lambda row: (row.bytes or 0, -row.values["map"]))
        if best is not exact:
            state = "centred" if best.is_centred else "raw"
            words += (
                f"; the smallest that keeps 95 % of that and 80 % of the exact neighbours is "
                f"{TITLES.get(best.quantizer, best.quantizer)}, {state}, with {best.bytes:,} bytes "
                f"per image: {_said(best)}"
            )
    query_8 = [rows.get(("binary-1-query-8", is_centred)) for is_centred in (False, True)]
    if query_8[0] and query_8[1]:
        raw, centred = (row.values["neighbours_at_10"] for row in query_8 if row)
        words += (
            f". Binary with an 8-bit query keeps {percent(raw)} % of the neighbours on raw "
            f"features and {percent(centred)} % on centred ones"
        )
    return f"{words}."


def _said(row: QuantizerRow) -> str:
    values = row.values
    return (
        f"{percent(values['map'])} % mAP, {percent(values['precision_at_10'])} % P@10 and "
        f"{percent(values['neighbours_at_10'])} % of the 10 exact neighbours"
    )
