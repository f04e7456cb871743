"""A run in a few figures: what its codes save beside the features, and what they keep of them."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from pipeline.analysis.leaderboard import Leaderboard
from pipeline.analysis.opened_run import OpenRun
from pipeline.settings import Settings
from pipeline.stored_features import find_stored
from pipeline.wording import file_size, plural

_MEASURES = (("mAP", "map"), ("P@10", "precision_at_10"), ("Neighbours@10", "neighbours_at_10"))
_FLOAT = 4  # bytes of a feature's value


@dataclass(frozen=True)
class Quality:
    """One measure of a run beside the same of its features ranked by cosine.

    Attributes:
        name: of the measure.
        value: of the run in [0, 1], the mean over its seeds.
        half: half of its 95 % interval; None where there is none.
        cosine: of the features; None where they were not measured.
    """

    name: str
    value: float
    half: float | None
    cosine: float | None


@dataclass(frozen=True)
class RunSummary:
    """What a run's codes save and keep.

    Attributes:
        n_images: in the database.
        code_bytes: of an image's code.
        feature_bytes: of its float32 features; None where these are not stored.
        qualities: measures with those of the cosine ranking; empty where nothing was measured.
    """

    n_images: int
    code_bytes: int
    feature_bytes: int | None
    qualities: tuple[Quality, ...]

    @property
    def times_smaller(self) -> float | None:
        """How many codes take the place of one image's features."""
        return None if self.feature_bytes is None else self.feature_bytes / self.code_bytes

    @property
    def sentence(self) -> str:
        """What the codes take and save, for example as the heading of a page."""
        whole = file_size(self.n_images * self.code_bytes)
        said = (
            f"{plural(self.n_images, 'image')} in {whole}: {plural(self.code_bytes, 'byte')} each"
        )
        if self.times_smaller is None:
            return f"{said}."
        return f"{said}, {self.times_smaller:,.0f} times smaller than their features."


def read_summary(opened: OpenRun, board: Leaderboard | None, settings: Settings) -> RunSummary:
    """Put together what is known of a run.

    Args:
        opened: the run.
        board: leaderboard that it is on; None where it was not measured.
        settings: where features are stored.
    """
    spec = opened.run.spec
    stored = None if spec.finetune is not None else find_stored(spec.backbone, settings)
    return RunSummary(
        n_images=len(opened.database_rows),
        code_bytes=-(-opened.bits // 8),
        feature_bytes=None if stored is None else _FLOAT * stored.dim,
        qualities=() if board is None else _qualities(opened, board),
    )


def _qualities(opened: OpenRun, board: Leaderboard) -> tuple[Quality, ...]:
    own = board.rows[[opened.id in runs for runs in board.rows["runs"]]]
    if own.empty:
        return ()
    row = own.iloc[0]
    beside = board.cosine[board.cosine["backbone"] == row["backbone"]]
    cosine = None if beside.empty else beside.iloc[0]
    return tuple(
        Quality(
            name,
            float(row[column]),
            float(row["half"]) if column == "map" else None,
            None if cosine is None or pd.isna(cosine[column]) else float(cosine[column]),
        )
        for name, column in _MEASURES
        if pd.notna(row[column])
    )
