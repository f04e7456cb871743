"""A run in a few figures: what codes save and keep beside the features."""

from __future__ import annotations

from pipeline.analysis.comparisons import comparisons
from pipeline.analysis.leaderboard import read_leaderboard
from pipeline.analysis.opened_run import open_run
from pipeline.analysis.run_summary import RunSummary, read_summary
from pipeline.runs.registry import RunRegistry
from pipeline.settings import Settings


def test_figures_are_those_of_leaderboard_and_features(settings: Settings):
    run = next(one for one in RunRegistry(settings).all() if one.spec.method == "itq")
    opened = open_run(run.id, settings)
    (comparison,) = comparisons(settings, "shapes")
    board = read_leaderboard(settings, comparison)

    found = read_summary(opened, board, settings)

    assert (found.n_images, found.code_bytes) == (48, 2)  # 12 bits
    assert found.feature_bytes == board.cosine["bytes"].iloc[0]
    of_name = {one.name: one for one in found.qualities}
    row = board.rows[board.rows["run"] == run.id].iloc[0]
    assert of_name["mAP"].value == row["map"]
    assert of_name["mAP"].half == row["half"]
    assert of_name["mAP"].cosine == board.cosine["map"].iloc[0]
    assert of_name["P@10"].value == row["precision_at_10"]
    assert of_name["P@10"].half is None
    assert of_name["Neighbours@10"].value == row["neighbours_at_10"]
    assert found.times_smaller == found.feature_bytes / 2


def test_a_run_that_is_on_no_leaderboard_has_sizes_only(settings: Settings):
    run = RunRegistry(settings).all()[0]
    assert read_summary(open_run(run.id, settings), None, settings).qualities == ()


def test_the_sentence_says_what_is_known():
    whole = RunSummary(n_images=1492, code_bytes=8, feature_bytes=5120, qualities=())
    assert whole.sentence == (
        "1,492 images in 11.9 kB: 8 bytes each, 640 times smaller than their features."
    )
    alone = RunSummary(n_images=1, code_bytes=1, feature_bytes=None, qualities=())
    assert alone.sentence == "1 image in 1 byte: 1 byte each."
