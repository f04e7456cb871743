"""What a run leaves in its folder, and damage to it."""

from __future__ import annotations

import numpy as np
import pytest

from models.codes import HashCodes
from pipeline.runs.results import RunError
from pipeline.runs.run import Run


def test_codes_come_back_with_their_rows(run: Run) -> None:
    codes = HashCodes.from_relaxed(np.random.default_rng(0).standard_normal((5, 12)))

    run.save_codes("query", codes, np.arange(5) * 3)

    loaded, rows = run.load_codes("query")
    assert np.array_equal(loaded.packed, codes.packed)
    assert (loaded.bits, rows.tolist()) == (12, [0, 3, 6, 9, 12])
    assert [path.name for path in (run.folder / "codes").glob("[!.]*")] == ["query.npz"]


DAMAGE = {
    "empty": lambda content: b"",
    "cut": lambda content: content[:-40],
    "half": lambda content: content[: len(content) // 2],
    "text": lambda content: b"hello",
    "bits flipped": lambda content: content[:60] + bytes(b ^ 255 for b in content[60:]),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("codes/database.npz", lambda run: run.load_codes("database")),
        ("curves.npz", Run.curves),
        ("report.json", Run.report),
        ("model/weights.safetensors", Run.load_method),
        ("model/config.json", Run.load_method),
    ],
)
def test_damaged_results_are_named_with_their_run(done_run: Run, name: str, read, damage) -> None:
    path = done_run.folder / name
    path.write_bytes(damage(path.read_bytes()))

    with pytest.raises(RunError, match=done_run.id):
        read(done_run)


def test_missing_results_are_named_with_their_run(run: Run) -> None:
    for read in (Run.report, Run.curves, Run.load_method, lambda r: r.load_codes("query")):
        with pytest.raises(RunError, match=run.id):
            read(run)


def test_a_run_of_other_content_than_todays_is_refused(run: Run) -> None:
    run.check_dataset("anything")  # nothing is known of a run that never started
    run.update(dataset_fingerprint="abc")

    run.check_dataset("abc")
    with pytest.raises(RunError, match=r"other content of 'shapes', .* run it again"):
        run.check_dataset("def")
