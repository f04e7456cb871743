"""Wide images of a data set: one range for all, kept for what comes later, and said."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from models.backbones.registry import load_backbone
from pipeline.datasets.dataset import DatasetError, RetrievalDataset, load_dataset
from pipeline.datasets.problems import read_problems
from pipeline.features import FeatureCache
from pipeline.ingest.add_images import add_images
from pipeline.ingest.importing import plan_import
from pipeline.ingest.ingest import import_dataset
from pipeline.ingest.request import ImportRequest
from pipeline.ingest.sources import SourceRequest, open_source
from pipeline.settings import Settings
from tests.factories import forget_sums, imported, png, tiff, write_wide

MICROGRAPHS = {"dark/1.tif": 750, "bright/2.tif": 3000, "dark/3.tif": 700}


def brightest(image: Image.Image) -> int:
    return int(np.asarray(image).max())


def notes(dataset: RetrievalDataset) -> dict[str, str]:
    return {p.file: p.reason for p in read_problems(dataset.folder / "problems.csv")}


def test_all_images_of_a_data_set_are_scaled_by_one_range(
    tmp_path: Path, settings: Settings
) -> None:
    """By 0..4095, 750 becomes level 47, 3000 level 187 and 700 level 44."""
    dataset = imported(write_wide(tmp_path / "set", MICROGRAPHS), settings, "set")

    levels = {
        name: brightest(dataset.load_image(row))
        for row, name in enumerate(dataset.manifest["image_id"])
    }

    assert [str(one) for one in load_dataset("set", settings).info.value_ranges or ()] == [
        "0..4095"
    ]
    assert dataset.info.scaling_summary == "uint16 from 0..4095"
    assert levels == {"bright/2.tif": 187, "dark/1.tif": 47, "dark/3.tif": 44}
    assert set(notes(dataset).values()) == {"scaled to 8 bits from 0..4095"}


def test_an_import_that_was_stopped_measures_what_it_had_taken_before(
    tmp_path: Path, settings: Settings
) -> None:
    folder = write_wide(tmp_path / "set", MICROGRAPHS)
    source = open_source("folder", SourceRequest(name="set", path=folder))

    def stop(done: int, _total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_dataset(source, settings, on_progress=stop)
    (folder / "bright/2.tif").chmod(0)  # it is not read again
    dataset = import_dataset(source, settings)

    assert [str(one) for one in dataset.info.value_ranges or ()] == ["0..4095"]


def test_the_dry_run_says_the_range_and_shows_pictures_by_it(
    tmp_path: Path, settings: Settings
) -> None:
    folder = write_wide(tmp_path / "set", MICROGRAPHS)

    plan = plan_import(ImportRequest(source=str(folder), name="set"), settings)

    shown = {
        thumb.image_id: brightest(Image.open(io.BytesIO(base64.b64decode(thumb.webp))))
        for thumb in plan.thumbs
    }
    assert {p.reason for p in plan.problems} == {"scaled to 8 bits from 0..4095"}
    assert shown["dark/1.tif"] == pytest.approx(47, abs=4)
    assert shown["bright/2.tif"] == pytest.approx(187, abs=4)


def test_images_added_later_use_the_range_and_say_what_was_clipped(
    tmp_path: Path, settings: Settings
) -> None:
    """Of a ramp from 0 to 8190, half lies above 4095."""
    imported(write_wide(tmp_path / "set", MICROGRAPHS), settings, "set")
    more = write_wide(tmp_path / "more", {"dark/4.tif": 8190, "dark/5.tif": 1400})
    (more / "dark" / "6.tif").write_bytes(tiff(np.eye(64, dtype=np.float32), numbers=3))
    request = ImportRequest(source=str(more), into="set")

    plan = plan_import(request, settings)
    dataset = add_images("set", open_source("folder", SourceRequest(path=more)), settings)

    levels = [brightest(dataset.load_image(row)) for row in range(3, 6)]
    assert levels == [255, 87, 255]
    assert [(one.numbers, str(one)) for one in dataset.info.value_ranges or ()] == [
        ("uint16", "0..4095"),
        ("float32", "0..1"),
    ]
    expected = {
        "dark/4.tif": "scaled to 8 bits from 0..4095, values beyond it clipped (50 %)",
        "dark/5.tif": "scaled to 8 bits from 0..4095",
        "dark/6.tif": "scaled to 8 bits from 0..1",
    }
    assert {p.file: p.reason for p in plan.problems} == expected
    assert notes(dataset).items() >= expected.items()


def test_a_query_is_scaled_like_the_data_set_that_is_searched(
    tmp_path: Path, settings: Settings
) -> None:
    dataset = imported(write_wide(tmp_path / "set", MICROGRAPHS), settings, "set")
    query = tiff(np.array([[0, 1000]], np.uint16))

    assert brightest(dataset.read_image(query)) == 62
    assert brightest(dataset.read_image(tiff(np.array([[0, 100]], np.int16), numbers=2))) == 201


def test_equal_images_of_two_data_sets_have_features_of_their_own(
    tmp_path: Path, settings: Settings
) -> None:
    """Alone, 750 is scaled by 0..1023; beside 3000 by 0..4095."""
    alone = imported(
        write_wide(tmp_path / "one", {"dark/1.tif": 750, "dark/2.tif": 800}), settings, "one"
    )
    beside = imported(write_wide(tmp_path / "two", MICROGRAPHS), settings, "two")
    tiny = load_backbone("tiny")
    cache = FeatureCache(tiny, settings)

    first = np.array(cache.get(alone, images=np.array([0])))
    row = beside.manifest["image_id"].tolist().index("dark/1.tif")
    second = cache.get(beside, images=np.array([row]))

    assert alone.manifest["sha256"][0] == beside.manifest["sha256"][row]
    assert not np.allclose(first, second, rtol=1e-3, atol=0)
    assert np.array_equal(second[0], tiny.embed([beside.load_image(row)]).numpy()[0])


def test_features_of_images_with_8_bits_are_shared_as_before(
    tmp_path: Path, settings: Settings
) -> None:
    folder = write_wide(tmp_path / "set", {"dark/1.tif": 750})
    (folder / "dark" / "2.png").write_bytes(png())
    dataset = imported(folder, settings, "set")

    digests = [bytes.fromhex(digest) for digest in dataset.manifest["sha256"]]
    wide, plain = map(bytes, dataset.pixel_keys())

    assert wide != digests[0]
    assert plain == digests[1]


def older(name: str, settings: Settings) -> RetrievalDataset:
    """The data set as a version without ranges would have left it."""
    dataset = load_dataset(name, settings)
    facts = json.loads((dataset.folder / "dataset.json").read_text("utf-8"))
    del facts["value_ranges"]
    (dataset.folder / "dataset.json").write_text(json.dumps(facts), "utf-8")
    dataset.manifest.drop(columns="numbers").to_parquet(dataset.folder / "manifest.parquet")
    forget_sums(dataset.folder)
    table = dataset.folder / "problems.csv"
    table.write_text(table.read_text("utf-8").replace(" from 0..4095", ""), "utf-8")
    return load_dataset(name, settings)


def test_a_data_set_of_an_earlier_version_opens_and_its_old_features_are_not_used(
    tmp_path: Path, settings: Settings
) -> None:
    """Each of its images is scaled by itself: 750 of 1023 is level 187."""
    folder = write_wide(tmp_path / "set", MICROGRAPHS)
    (folder / "dark" / "4.png").write_bytes(png())
    imported(folder, settings, "set")

    dataset = older("set", settings)
    row = dataset.manifest["image_id"].tolist().index("dark/1.tif")

    assert brightest(dataset.load_image(row)) == 187
    assert dataset.scaling == ["by itself", "by itself", "by itself", ""]


def test_an_earlier_data_set_takes_images_of_8_bits_and_refuses_wide_ones(
    tmp_path: Path, settings: Settings
) -> None:
    imported(write_wide(tmp_path / "set", MICROGRAPHS), settings, "set")
    older("set", settings)
    plain = tmp_path / "plain" / "dark"
    plain.mkdir(parents=True)
    (plain / "9.png").write_bytes(png())
    wide = write_wide(tmp_path / "wide", {"dark/8.tif": 60})

    with pytest.raises(DatasetError, match=r"scaled each image of more than .* import it again"):
        add_images("set", open_source("folder", SourceRequest(path=wide)), settings)
    grown = add_images("set", open_source("folder", SourceRequest(path=plain.parent)), settings)

    assert grown.info.value_ranges is None
    assert grown.scaling == ["by itself"] * 3 + [""]


def test_an_earlier_data_set_without_wide_images_gets_a_range_with_the_first(
    tmp_path: Path, image_folder: Path, settings: Settings
) -> None:
    imported(image_folder, settings, "set")
    older("set", settings)
    wide = write_wide(tmp_path / "wide", {"dots/8.tif": 3000})

    grown = add_images("set", open_source("folder", SourceRequest(path=wide)), settings)

    assert [str(one) for one in grown.info.value_ranges or ()] == ["0..4095"]
    assert [bool(rule) for rule in grown.scaling] == [False] * 40 + [True]
