"""The split chosen at import: given, stratified, or a protocol; checked before it is stored."""

import numpy as np
import pytest
from pydantic import ValidationError

from pipeline.datasets.dataset import DatasetError
from pipeline.datasets.protocols import PROTOCOLS
from pipeline.datasets.split import make_split
from pipeline.datasets.split_choice import SplitChoice
from pipeline.ingest.ingest import import_dataset
from pipeline.ingest.sources import SourceRequest, open_source
from tests.factories import png
from tests.layout_writers import class_folders, one_hot_table, pictures, put, with_many


def imported_with(path, settings, **choice):
    source = open_source("folder", SourceRequest(name="set", path=path))
    return import_dataset(source, settings, split=SplitChoice(**choice))


def parts(dataset):
    return dataset.manifest["split"].value_counts().to_dict()


def test_a_stratified_split_has_its_shares_in_every_class(image_folder, settings):
    """10 images per class: 3 queries; half of the other 7 train, 14 of 28 in all."""
    dataset = imported_with(
        image_folder, settings, how="stratified", queries=0.3, train=0.5, seed=3
    )

    assert parts(dataset) == {"query": 12, "train": 14, "database": 14}
    queries = dataset.manifest[dataset.manifest["split"] == "query"]
    assert queries["labels:class"].str[0].value_counts().tolist() == [3, 3, 3, 3]
    assert dataset.info.split_summary == (
        "protocol given, seed 3 (stratified by class, 30 % queries, 50 % of the database trains)"
    )
    split = make_split(dataset, PROTOCOLS["given"], dataset.label_set(), seed=0)
    assert (len(split.query), len(split.database), len(split.train)) == (12, 28, 14)


def test_another_seed_gives_another_split(image_folder, settings, tmp_path):
    one = imported_with(image_folder, settings, how="stratified", seed=1)
    again = imported_with(
        image_folder, settings.model_copy(update={"home": tmp_path / "b"}), how="stratified", seed=1
    )
    other = imported_with(
        image_folder, settings.model_copy(update={"home": tmp_path / "c"}), how="stratified", seed=2
    )

    assert one.info.fingerprint == again.info.fingerprint != other.info.fingerprint


def test_several_labels_are_stratified_iteratively(tmp_path, settings):
    root = one_hot_table(tmp_path / "set", with_many(pictures(12)))

    dataset = imported_with(root, settings, how="stratified", queries=0.5)

    labels, part = dataset.labels(dataset.label_set()), dataset.manifest["split"].to_numpy()
    assert dataset.info.split == "iterative stratification by class, 50 % queries"
    assert (part == "query").sum() == 6
    assert np.abs(labels[part == "query"].mean(axis=0) - labels.mean(axis=0)).max() < 0.2


def test_unlabelled_images_are_split_at_random(tmp_path, settings):
    for one in pictures(10):
        put(tmp_path / "set", one.name, one.content)

    dataset = imported_with(tmp_path / "set", settings, how="stratified")

    assert parts(dataset) == {"train": 8, "query": 2}
    assert dataset.info.split == "stratified at random, 20 % queries"


def test_the_given_split_is_kept_unless_another_is_asked_for(tmp_path, settings):
    root = class_folders(tmp_path / "set", pictures())

    given = imported_with(root, settings)
    drawn = imported_with(root, settings.model_copy(update={"home": tmp_path / "b"}), how="holdout")

    assert given.info.default_protocol == "given"
    assert (drawn.info.default_protocol, drawn.info.split) == ("holdout", "")


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("stratfied", "unknown split 'stratfied'. Did you mean 'stratified'"),
        ("given", "imported without a split"),
        ("cifar10-59k", "is for cifar10, not for set"),
    ],
)
def test_a_split_that_does_not_fit_is_refused_and_nothing_is_stored(
    image_folder, settings, how, reason
):
    with pytest.raises(DatasetError, match=reason):
        imported_with(image_folder, settings, how=how)

    assert not (settings.datasets_path / "set").exists()


def test_a_group_on_both_sides_of_a_given_split_is_refused(tmp_path, settings):
    for number in range(4):
        put(tmp_path / "set", f"{number}.png", png((50 * number, 0, 0)))
    rows = ["0.png,a,test,g", "1.png,a,train,g", "2.png,b,test,", "3.png,b,train,"]
    put(tmp_path / "set", "t.csv", "\n".join(["path,label,split,group", *rows]))

    with pytest.raises(DatasetError, match="same group"):
        imported_with(tmp_path / "set", settings, how="given")


@pytest.mark.parametrize("wrong", [{"queries": 0}, {"queries": 1}, {"train": 0}, {"seed": -1}])
def test_senseless_shares_are_refused(wrong):
    with pytest.raises(ValidationError):
        SplitChoice(how="stratified", **wrong)
