"""Verdicts: the last word counts, nothing is lost, torn lines and other processes do no harm."""

from __future__ import annotations

import json

import pytest

from pipeline.annotations.verdicts import Verdicts, verdict_table
from pipeline.datasets.dataset import load_dataset
from pipeline.settings import Settings
from tests.factories import python, unlabelled

CAT, DOG, FOX = "a" * 64, "b" * 64, "c" * 64


@pytest.fixture
def verdicts(settings: Settings) -> Verdicts:
    return Verdicts.of("shapes", "class", settings)


def test_nothing_has_been_said_at_first(verdicts: Verdicts):
    assert verdicts.current() == {}
    assert verdicts.table().empty
    columns = ["query", "result", "verdict", "note", "run", "time", "round", "judge"]
    assert list(verdicts.table()) == columns


def test_the_last_word_on_a_pair_counts_and_the_history_keeps_all(verdicts: Verdicts):
    verdicts.set_verdict(CAT, DOG, "relevant")
    verdicts.set_verdict(CAT, FOX, "not relevant", "it is a fox", "run-1")
    verdicts.set_verdict(CAT, DOG, "not relevant")

    now = verdicts.current()

    assert [(pair, said.verdict) for pair, said in now.items()] == [
        ((CAT, FOX), "not relevant"),
        ((CAT, DOG), "not relevant"),
    ]
    assert (now[CAT, FOX].note, now[CAT, FOX].run) == ("it is a fox", "run-1")
    assert verdicts.history()[0].verdict == "relevant"
    assert len(verdicts.history()) == 3


def test_a_verdict_can_be_taken_back(verdicts: Verdicts):
    verdicts.set_verdict(CAT, "", "label error")
    verdicts.withdraw_verdict(CAT)

    assert verdicts.current() == {}
    assert len(verdicts.history()) == 2


def test_label_sets_of_similar_names_are_kept_apart(settings: Settings):
    Verdicts.of("shapes", "a b", settings).set_verdict(CAT, DOG, "relevant")

    assert Verdicts.of("shapes", "a-b", settings).current() == {}
    assert Verdicts.of("shapes", "a b", settings).current()


def test_judges_of_a_round_and_what_is_said_outside_of_it_are_kept_apart(verdicts: Verdicts):
    verdicts.set_verdict(CAT, DOG, "relevant")
    verdicts.set_verdict(CAT, DOG, "not relevant", round_id="r1", judge="Ann")
    verdicts.set_verdict(CAT, DOG, "unsure", round_id="r1", judge="Bob")
    verdicts.set_verdict(CAT, FOX, "relevant", round_id="r2", judge="Ann")
    verdicts.withdraw_verdict(CAT, DOG, round_id="r1", judge="Bob")

    assert {pair: said.verdict for pair, said in verdicts.current().items()} == {
        (CAT, DOG): "relevant"
    }
    assert list(verdicts.of_round("r1")) == ["Ann"]
    assert verdicts.of_round("r1")["Ann"][CAT, DOG].verdict == "not relevant"
    assert list(verdicts.of_round("r2")["Ann"]) == [(CAT, FOX)]
    assert verdicts.table()["judge"].tolist() == ["", "Ann", "Ann"]


def test_files_of_earlier_versions_open_and_they_open_what_is_said_outside_of_rounds(
    verdicts: Verdicts,
):
    line = (
        f'{{"query":"{CAT}","result":"{DOG}","verdict":"relevant","note":"","run":"","time":""}}\n'
    )
    verdicts.path.parent.mkdir(parents=True)
    verdicts.path.write_text(line)

    verdicts.set_verdict(CAT, FOX, "not relevant")

    assert set(verdicts.current()) == {(CAT, DOG), (CAT, FOX)}
    new = json.loads(verdicts.path.read_text().splitlines()[1])
    assert set(new) <= {"query", "result", "verdict", "note", "run", "time"}


def test_verdicts_on_images_without_labels_are_kept_and_exported(settings: Settings):
    unlabelled(settings)
    dataset = load_dataset("bare", settings)
    first, second = dataset.manifest["sha256"].iloc[:2]

    Verdicts.of("bare", "", settings).set_verdict(first, second, "relevant")

    table = verdict_table(dataset, settings)
    assert table["labels"].tolist() == [""]
    assert table["query_image"].tolist() == [dataset.manifest["image_id"].iloc[0]]


def test_a_torn_line_costs_itself_only(verdicts: Verdicts):
    verdicts.set_verdict(CAT, DOG, "relevant")
    whole = verdicts.path.read_bytes()
    verdicts.path.write_bytes(whole + whole[:40])

    verdicts.set_verdict(CAT, FOX, "not relevant")

    assert set(verdicts.current()) == {(CAT, DOG), (CAT, FOX)}


@pytest.mark.parametrize(
    ("query", "word"), [("not-a-hash", "relevant"), (CAT, "wrong"), (CAT + "\n", "relevant")]
)
def test_what_is_no_verdict_is_refused(verdicts: Verdicts, query: str, word: str):
    with pytest.raises(ValueError, match="1 validation error"):
        verdicts.set_verdict(query, DOG, word)
    with pytest.raises(ValueError, match="no name of a data set"):
        Verdicts.of("../x", "class", Settings())

    assert not verdicts.path.exists()


def test_two_processes_lose_nothing(verdicts: Verdicts):
    script = (
        "import sys; from pathlib import Path; from pipeline.annotations.verdicts import Verdicts\n"
        "for n in range(40):\n"
        "    Verdicts(Path(sys.argv[1])).set_verdict(sys.argv[2] * 64, f'{n:064x}', 'relevant')\n"
    )
    writers = [python(script, verdicts.path, letter) for letter in "ab"]

    assert [writer.communicate(timeout=60)[1] for writer in writers] == ["", ""]
    assert len(verdicts.current()) == 80


def test_verdicts_of_all_label_sets_leave_with_the_names_of_their_images(
    own_library: Settings,
):
    dataset = load_dataset("shapes", own_library)
    assert verdict_table(dataset, own_library).empty
    first, second = dataset.manifest["sha256"].iloc[:2]
    verdicts = Verdicts.of("shapes", dataset.info.label_sets[0].name, own_library)
    verdicts.set_verdict(first, second, "not relevant", "=1+1")
    verdicts.set_verdict(CAT, second, "relevant")

    table = verdict_table(dataset, own_library)

    assert table["query_image"].tolist() == [dataset.manifest["image_id"].iloc[0], ""]
    assert set(table["result_image"]) == {dataset.manifest["image_id"].iloc[1]}
    assert table["labels"].tolist() == [dataset.info.label_sets[0].name] * 2
