"""What an index was built from, and whether that is the run in hand."""

from __future__ import annotations

import hashlib

from pipeline.index.payloads import PAYLOAD, SEARCHABLE
from pipeline.index.store.base import CollectionInfo, require_match
from pipeline.runs.results import TUNED, RunError
from pipeline.runs.run import Run


def weights_digest(run: Run) -> str:
    """SHA-256 of the fitted method's weights, kept with the index so that the two must match.

    Those of a backbone that learned with it count too.

    Raises:
        RunError: the run has no fitted method.
    """
    tuned = run.folder / "model" / TUNED
    try:
        content = (run.folder / "model" / "weights.safetensors").read_bytes()
        content += tuned.read_bytes() if run.spec.finetune else b""
    except OSError as error:
        raise RunError(f"run {run.id} has no fitted method: {error.strerror}") from error
    return hashlib.sha256(content).hexdigest()


def expected_metadata(run: Run) -> dict[str, object]:
    """Metadata that an index of this run is built with.

    Raises:
        RunError: the run has no fitted method.
    """
    return {"bits": run.spec.bits, "weights_sha256": weights_digest(run), "payload": PAYLOAD}


def check_built_from(run: Run, info: CollectionInfo) -> None:
    """Check that a collection serves this run.

    Raises:
        RunError: the run has no fitted method.
        CollectionMismatch: it was built with other weights or another code length, or with fields
            that cannot be filtered.
    """
    expected = expected_metadata(run)
    if (payload := info.metadata.get("payload")) in SEARCHABLE:
        expected["payload"] = payload
    require_match(info.name, {**info.metadata, "bits": info.bits}, expected)
