"""Which methods can train on which data, and that any data set trains what it can."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from models.registry import get_method, list_methods
from pipeline.datasets.dataset import DatasetError, load_dataset
from pipeline.ingest.ingest import import_dataset
from pipeline.ingest.source import Item, Source
from pipeline.runs.execute import execute
from pipeline.runs.registry import RunRegistry
from pipeline.runs.requirements import can_finetune, needs, why_not
from pipeline.runs.run import Run
from pipeline.settings import Settings
from tests.factories import imported, png, spec, write_images

KINDS = {  # data set -> kind of labels, labels of image i
    "bare": (None, lambda i: ()),
    "single": ("single", lambda i: (f"c{i % 3}",)),
    "multi": ("multi", lambda i: (f"c{i % 3}", f"d{i % 4}")[: 1 + i % 2]),
    "tiny": ("single", lambda i: (f"c{i % 2}",)),
    "unbalanced": ("single", lambda i: ("rare" if i in (3, 17) else "usual",)),
    "one": ("single", lambda i: ("same",)),
}
SUPERVISED = [n for n in list_methods() if get_method(n).card.supervision == "supervised"]
OTHERS = [n for n in list_methods() if n not in SUPERVISED]


def make(settings: Settings, name: str) -> None:
    """A data set of small pictures with labels of one kind; ten images where it is tiny."""
    kind, labels = KINDS[name]
    items = [
        Item(
            str(i),
            lambda i=i: png((7 * i % 256, 60 * (i % 3), 255 - 6 * i)),  # type: ignore[misc]
            {"class": labels(i)} if kind else {},
            ".png",
        )
        for i in range(10 if name == "tiny" else 36)
    ]
    facts = {"title": name, "summary": "", "licence": "", "attribution": ""}
    kinds = {"class": kind} if kind else {}
    import_dataset(Source(name=name, items=items, identity="1", kinds=kinds, **facts), settings)  # type: ignore[arg-type]


def trained(settings: Settings, dataset: str, method: str) -> Run:
    fields = get_method(method).Config.model_fields
    quick = {name: 2 for name in ("epochs", "rounds") if name in fields}
    labels = "class" if KINDS[dataset][0] else ""
    run = RunRegistry(settings).create(
        spec(dataset=dataset, method=method, bits=4, config=quick, label_set=labels)
    )
    execute(run, settings)
    return run


@pytest.mark.parametrize("dataset", KINDS)
def test_every_data_set_trains_what_it_can_and_names_what_it_cannot(
    settings: Settings, dataset: str
) -> None:
    make(settings, dataset)
    info = load_dataset(dataset, settings).info
    chosen = {
        "bare": list_methods(),
        "multi": list_methods(),
    }.get(dataset, ("itq", "ud2h", "bihalf", "dpsh", "csq", "dfadh", "adsh", "orthohash"))

    for method in chosen:
        reason = why_not(get_method(method).card, info)
        if reason:
            with pytest.raises(DatasetError, match=re.escape(reason)):
                trained(settings, dataset, method)
        else:
            run = trained(settings, dataset, method)
            assert run.state() == "done"
            assert len(run.load_codes("database")[0]) > 0
            # Where labels tell no codes apart, the neighbours of the features do.
            by = "neighbours@10" if dataset in ("one", "bare") else "labels"
            assert run.report().relevance == by
            assert 0 <= run.report().map <= 1


@pytest.mark.parametrize(
    ("dataset", "method", "reason"),
    [
        ("bare", "dpsh", "DPSH needs labels, and 'bare' has none"),
        ("one", "dpsh", "DPSH needs two classes or more, and 'class' has one"),
        ("bare", "itq", ""),
        ("one", "itq", ""),
        ("multi", "dpsh", ""),
    ],
)
def test_the_reason_is_a_sentence(
    settings: Settings, dataset: str, method: str, reason: str
) -> None:
    make(settings, dataset)

    assert why_not(get_method(method).card, load_dataset(dataset, settings).info) == reason


def test_cards_say_what_methods_need() -> None:
    assert needs(get_method("itq").card) == ()
    assert needs(get_method("cibhash").card) == ("4 augmented views",)
    assert "an augmented view" in needs(get_method("dhd").card)
    assert needs(get_method("dpsh").card) == ("labels",)
    assert can_finetune(get_method("dpsh").card)
    assert not can_finetune(get_method("itq").card)


def test_a_folder_of_three_images_fails_with_a_sentence(tmp_path: Path, settings: Settings) -> None:
    imported(write_images(tmp_path / "few", per_class=1), settings)

    with pytest.raises((ValueError, DatasetError)) as caught:
        execute(RunRegistry(settings).create(spec(bits=4)), settings)

    assert len(str(caught.value)) > 20
