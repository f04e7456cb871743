"""Other ways to store features than codes: what was measured of them."""

from __future__ import annotations

from dashboard.cached.library import dataset, datasets, settings
from pipeline.index.quantizer_report import QuantizerReport
from pipeline.index.quantizers import stored_quantizers
from pipeline.runs.distractors import usual_growth
from pipeline.runs.ground_truth import GroundTruth
from pipeline.runs.growth_report import SUBSAMPLES, GrowthReport, stored_growth
from pipeline.runs.registry import RunRegistry


def quantizers(run_id: str, relevance: str) -> QuantizerReport | None:
    """What the database's quantizers reach on the features of a run; None: not measured.

    Args:
        run_id: whose data set, backbone, protocol and split count.
        relevance: of the comparison.
    """
    spec = RunRegistry(settings()).open(run_id).spec
    return stored_quantizers(
        GroundTruth(spec, dataset(spec.dataset), settings(), relevance), settings()
    )


def growth(run_id: str, grows_by: str) -> GrowthReport | None:
    """How quality and time change as the database of a run grows; None: not measured.

    Args:
        run_id: whose data set, backbone, protocol and split count.
        grows_by: one of `growth_choices`.
    """
    return stored_growth(_by_labels(run_id), settings(), grows_by)


def growth_choices(run_id: str) -> list[str]:
    """What the database of a run can grow by, what is usual first."""
    truth = _by_labels(run_id)
    usual = usual_growth(truth)
    others = [info.name for info in datasets() if info.name != truth.dataset.info.name]
    return list(dict.fromkeys((usual, SUBSAMPLES, *others)))


def _by_labels(run_id: str) -> GroundTruth:
    spec = RunRegistry(settings()).open(run_id).spec
    return GroundTruth(spec, dataset(spec.dataset), settings())
