"""The files of baselines: where a report is kept, read and written."""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path

from pipeline.evaluation.report import Report, read_report
from pipeline.files import keep
from pipeline.runs.ground_truth import GroundTruth
from pipeline.settings import Settings
from pipeline.stored_features import features_name
from pipeline.sums import read_checked
from pipeline.wording import sentence

_log = logging.getLogger(__name__)


def baseline_path(
    kind: str, truth: GroundTruth, settings: Settings, backbone: str = "", variant: str = ""
) -> Path:
    """Path of the report on these images, labels, protocol and split."""
    named = (
        truth.dataset.info.fingerprint,
        features_name(backbone, settings),
        truth.protocol.model_dump_json(),
        truth.key,
        str(truth.spec.split_seed),
        *([variant] if variant else []),
    )
    key = hashlib.sha256("|".join(named).encode()).hexdigest()[:24]
    return settings.home / "baselines" / f"{kind}-{key}.json"


def stored_baseline(path: Path) -> Report | None:
    """Read the report that was kept; None where there is none that this version can read."""
    try:
        return read_report(read_checked(path).decode())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        _log.warning("the baseline %s cannot be read: %s", path.name, sentence(error))
        return None


def keep_baseline(report: Report, path: Path) -> Report:
    """Store a report and return it."""
    keep(path, report.model_dump_json(indent=2))
    return report
