"""RunResults: what a run leaves in its folder: history, codes, fitted method, report, curves."""

from __future__ import annotations

import json
import logging
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError

from models.codes import HashCodes
from pipeline.backbones import load_backbone
from pipeline.evaluation.rankings import HAMMING, RANKINGS
from pipeline.evaluation.relevance import LABELS, OF_QUERIES, RELEVANCES
from pipeline.evaluation.report import Curves, Evaluation, Report, read_report
from pipeline.files import ParsedFiles, parsed, reading, write_atomic, written
from pipeline.runs.spec import RunSpec, StoredSpec
from pipeline.runs.status import RunStatus, read_status
from pipeline.settings import Settings
from pipeline.sums import check_sum, note_sums, swap_in
from pipeline.wording import COMMAND, sentence

if TYPE_CHECKING:  # torch, which only weights need: where a run is listed, it is not imported
    from torch import Tensor

    from models.backbones.base import Backbone
    from models.method import HashMethod

TUNED = "backbone.safetensors"
_STATUSES, _REPORTS = ParsedFiles(parsed(read_status)), ParsedFiles(parsed(read_report))
_HISTORIES = ParsedFiles(
    parsed(lambda text: [json.loads(line) for line in text.split("\n")[:-1]]), 1000
)
MEASURE = f"measure it again: {COMMAND} evaluate {{0}}"
DELETE = f"delete the run and train it again: {COMMAND} runs delete {{0}}"
_log = logging.getLogger(__name__)


class RunError(ValueError):
    """A run is missing, unfinished or damaged; the message says which and what to do."""


@dataclass(frozen=True)
class RunResults:
    """Results that a run leaves in its folder. Every file appears whole or not at all."""

    folder: Path
    stored: StoredSpec

    @property
    def spec(self) -> RunSpec:
        """Spec that the run was created from."""
        return self.stored.spec

    @property
    def id(self) -> str:
        """Identifier: the folder's name."""
        return self.folder.name

    @property
    def library(self) -> Settings:
        """Say where the library is that the run lies in, and nothing else."""
        return Settings(home=self.folder.parent.parent)

    def status(self) -> RunStatus:
        """The stored status.

        Raises:
            RunError: run.json is damaged.
        """
        path = self.folder / "run.json"
        with reading(path, DELETE.format(self.id), RunError):
            return _STATUSES.read(path)

    def check_dataset(self, fingerprint: str, *earlier: str) -> None:
        """Refuse a data set whose images or labels are not those the run was executed on.

        Args:
            fingerprint: fingerprint of the data set.
            earlier: fingerprints that it had before images were added; their rows come first.

        Raises:
            RunError: they differ; the row numbers that the run stores mean other images now.
        """
        known = self.status().dataset_fingerprint
        if known and known not in (fingerprint, *earlier):
            raise RunError(
                f"run {self.id} was made from other content of {self.spec.dataset!r}, which has "
                "been imported again since; run it again"
            )

    def history(self) -> list[dict[str, object]]:
        """All complete lines of the history; none, with a warning, where it is damaged."""
        path = self.folder / "history.jsonl"
        if not path.exists():
            return []
        try:
            return list(_HISTORIES.read(path))
        except (OSError, ValueError) as error:
            _log.warning("%s is damaged and shows nothing: %s", path, sentence(error))
            return []

    def cut_history(self, epoch: int) -> None:
        """Keep the epochs that the checkpoint holds; the others come again."""
        kept = [line for line in self.history() if float(str(line["epoch"])) <= epoch]
        if kept:
            text = "".join(json.dumps(line) + "\n" for line in kept)
            write_atomic(self.folder / "history.jsonl", text, is_noted=False)  # it grows
        else:
            (self.folder / "history.jsonl").unlink(missing_ok=True)

    def save_codes(self, part: str, codes: HashCodes, rows: NDArray[np.int64]) -> None:
        """Store the codes of `part` (query, database) with their manifest rows: the raw result."""
        (self.folder / "codes").mkdir(exist_ok=True)
        path = self.folder / "codes" / f"{part}.npz"
        partial = path.with_suffix(".tmp.npz")
        with written(partial):
            np.savez(partial, packed=codes.packed, bits=codes.bits, rows=rows)
            swap_in(partial, path)

    def load_codes(self, part: str) -> tuple[HashCodes, NDArray[np.int64]]:
        """The codes of `part` and their manifest rows.

        Raises:
            RunError: they are not there or damaged.
        """
        path = self.folder / "codes" / f"{part}.npz"
        with reading(path, _remedy(part, self.id), RunError):
            check_sum(path)
            with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
                return HashCodes(stored["packed"], int(stored["bits"])), stored["rows"]

    def check_files(self) -> None:
        """See that a finished run has its codes and its method; their bytes are not read.

        Raises:
            RunError: one is missing.
        """
        status = self.status()
        if status.state != "done":
            return
        needed = ["codes/query.npz", "codes/database.npz"]
        if not status.codes_of:
            needed += ["model/config.json", "model/weights.safetensors"]
        for name in needed:
            with reading(self.folder / name, _remedy("", self.id), RunError):
                (self.folder / name).stat()

    def save_method(self, method: HashMethod, tuned: dict[str, Tensor] | None = None) -> None:
        """Store the fitted method, and the weights of the backbone that learned with it."""
        from safetensors.torch import save_file

        from models.storage import save_method

        partial = self.folder / "model.tmp"
        shutil.rmtree(partial, ignore_errors=True)
        with written(partial):
            save_method(method, partial)
            if tuned:
                whole = {name: tensor.detach().cpu().contiguous() for name, tensor in tuned.items()}
                save_file(whole, partial / TUNED)
            note_sums(partial)
            shutil.rmtree(self.folder / "model", ignore_errors=True)
            partial.rename(self.folder / "model")

    def load_method(self) -> HashMethod:
        """The fitted method.

        Raises:
            RunError: it is not there or damaged.
        """
        from models.storage import load_method

        try:
            self._check_model()
            return load_method(self.folder / "model")
        except ValueError as error:
            raise RunError(f"run {self.id}: {error}") from error

    def _check_model(self) -> None:
        """Refuse files of the fitted method that are not what was written."""
        for path in sorted((self.folder / "model").glob("[!.]*")):
            with reading(path, "stored codes can be searched; train the run to encode images"):
                check_sum(path)

    def load_backbone(self) -> Backbone:
        """The backbone that the method's codes come from: fine-tuned, or as it is published.

        Raises:
            RunError: the fine-tuned weights are not there, damaged or of another network, or there
                is no such backbone any more.
            WeightsError: the published weights are unavailable, or the own vectors are gone.
        """
        from safetensors.torch import load_file

        try:
            backbone = load_backbone(self.spec.backbone, self.library)
        except ValueError as error:
            raise RunError(f"run {self.id}: {error}") from error
        if self.spec.finetune is None:
            return backbone
        try:
            tuned = load_file(self.folder / "model" / TUNED)
            unexpected = backbone.network.load_state_dict(tuned, strict=False).unexpected_keys
            if unexpected:
                raise ValueError(f"{unexpected[0]} is not a part of {backbone.name}")
        except (OSError, ValueError, RuntimeError, SafetensorError) as error:
            raise RunError(f"run {self.id} has no usable fine-tuned backbone: {error}") from error
        return backbone

    def save_evaluation(self, evaluation: Evaluation) -> None:
        """Store report and curves, beside those of other relevances and rankings."""
        path = self._report_path(evaluation.report.relevance, evaluation.report.ranking)
        partial = self.folder / "curves.tmp.npz"
        with written(partial):
            evaluation.curves.save(partial)
            swap_in(partial, _curves_path(path))
        write_atomic(path, evaluation.report.model_dump_json(indent=2))

    @property
    def relevances(self) -> list[str]:
        """What its queries were measured by, the default first; empty where they were not."""
        return [one for one in OF_QUERIES if self._report_path(one).is_file()]

    @property
    def all_relevances(self) -> list[str]:
        """`relevances`, and copies where it was measured on them."""
        return [one for one in RELEVANCES if self._report_path(one).is_file()]

    @property
    def measurements(self) -> list[tuple[str, str]]:
        """Relevance and ranking of each report, the default first."""
        return [
            (relevance, ranking)
            for ranking in RANKINGS
            for relevance in RELEVANCES
            if self._report_path(relevance, ranking).is_file()
        ]

    def report(self, relevance: str = "", ranking: str = HAMMING) -> Report:
        """Read the report.

        Args:
            relevance: that it was measured by; empty: the first of `relevances`.
            ranking: one of `RANKINGS`.

        Raises:
            RunError: the run is not evaluated yet, or damaged.
        """
        path = self._report_path(relevance or self._first, ranking)
        with reading(path, MEASURE.format(self.id), RunError):
            return _REPORTS.read(path)

    def curves(self, relevance: str = "", ranking: str = HAMMING) -> Curves:
        """The measured curves, for relevance and ranking as in `report`.

        Raises:
            RunError: the run is not evaluated yet, or damaged.
        """
        path = self._curves_path(relevance, ranking)
        with reading(path, MEASURE.format(self.id), RunError):
            check_sum(path)
            return Curves.load(path)

    def query_aps(self, relevance: str = "", ranking: str = HAMMING) -> NDArray[np.float64]:
        """AP (q,) of each query, at a fraction of the time that all curves take.

        Raises:
            RunError: the run is not evaluated yet, or damaged.
        """
        path = self._curves_path(relevance, ranking)
        with reading(path, MEASURE.format(self.id), RunError):
            return Curves.query_aps(path)

    @property
    def _first(self) -> str:
        return next(iter(self.relevances), LABELS)

    def _curves_path(self, relevance: str, ranking: str) -> Path:
        return _curves_path(self._report_path(relevance or self._first, ranking))

    def _report_path(self, relevance: str, ranking: str = HAMMING) -> Path:
        """Path of a report: the one by labels and distance was the only one of earlier versions."""
        names = [
            "report",
            *([] if relevance == LABELS else [relevance]),
            *([] if ranking == HAMMING else [ranking]),
        ]
        return self.folder / f"{'-'.join(names)}.json"


def _remedy(part: str, run_id: str) -> str:
    """What brings codes back: those of copies are made anew by a measurement."""
    if part.startswith("copies"):
        return f"measure it again: {COMMAND} evaluate {run_id} --relevance copies"
    return "train the run again"


def _curves_path(report: Path) -> Path:
    return report.with_name(report.name.replace("report", "curves", 1)).with_suffix(".npz")
