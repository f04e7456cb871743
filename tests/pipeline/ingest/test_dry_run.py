"""The dry run: it finds what the import would find, and stores nothing."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.datasets.dataset import DatasetError, list_datasets
from pipeline.ingest.dry_run import SIZE_EDGES, Plan
from pipeline.ingest.importing import execute_import, open_request, plan_import
from pipeline.ingest.layouts.reading import ReadOptions
from pipeline.ingest.request import ImportRequest
from pipeline.settings import Settings
from tests.factories import imported, png, write_images
from tests.layout_writers import class_folders, csv_table, pictures, put, put_images, with_many


def plan_of(folder: Path, settings: Settings, **options: object) -> Plan:
    return plan_import(
        ImportRequest.model_validate({"source": str(folder), "name": "set", **options}), settings
    )


def test_the_plan_is_what_the_import_then_does(tmp_path: Path, settings: Settings) -> None:
    folder = write_images(tmp_path / "set", per_class=5)
    put(folder, "dots/broken.png", b"broken")
    put(folder, "dots/again.png", (folder / "dots" / "001.png").read_bytes())
    put(folder, "dots/clear.png", png((0, 0, 0, 9), mode="RGBA"))
    put(folder, "notes.txt", "hello")
    request = ImportRequest(source=str(folder), name="set")

    plan = plan_import(request, settings)
    assert not settings.home.exists()
    dataset = execute_import(request, settings)

    same = {"created": ""}
    assert plan.info.model_copy(update=same) == dataset.info.model_copy(update=same)
    assert plan.n_files == 24
    assert plan.n_files == plan.info.n + plan.info.n_problems
    assert (plan.info.n, plan.n_duplicates, plan.info.n_problems) == (21, 1, 3)
    assert dict(plan.classes["class"]) == {"circle": 5, "cross": 5, "dots": 6, "stripes": 5}
    assert plan.guesses[0].layout == "class_folders"
    actions = {problem.file: problem.action for problem in plan.problems}
    assert actions == {
        "notes.txt": "skipped",
        "dots/broken.png": "skipped",
        "dots/again.png": "skipped",
        "dots/clear.png": "converted",
    }


def test_counts_sizes_parts_and_thumbnails(tmp_path: Path, settings: Settings) -> None:
    """24 pixels are below 32: all images are in the first bin; 4 of 20 are queries."""
    folder = write_images(tmp_path / "set", per_class=10)
    put(folder, "circle/0.png", b"the first, and no image")

    plan = plan_of(folder, settings)

    assert plan.sizes == (40, *[0] * (len(SIZE_EDGES) - 1))
    assert plan.parts["query"] + plan.parts["database"] == 40
    assert plan.split_problem == ""
    assert len(plan.thumbs) == 24
    assert len({thumb.image_id for thumb in plan.thumbs}) == 24
    assert {thumb.labels for thumb in plan.thumbs} == {
        (name,) for name in plan.info.label_sets[0].classes
    }
    picture = Image.open(io.BytesIO(base64.b64decode(plan.thumbs[0].webp)))
    assert (picture.format, picture.size) == ("WEBP", (24, 24))
    assert Plan.model_validate_json(plan.model_dump_json()) == plan


def test_look_alikes_are_found_and_leaks_come_first(tmp_path: Path, settings: Settings) -> None:
    """Pictures recompressed in their own part, and one that is a query and trains."""
    rng = np.random.default_rng(0)
    for part in ("test", "train"):
        (tmp_path / "set" / part / "a").mkdir(parents=True)
    for number in range(6):
        noise = Image.fromarray(rng.integers(0, 256, (9, 9, 3), dtype=np.uint8))
        part = "test" if number < 2 else "train"
        picture = noise.resize((90, 90), Image.Resampling.BICUBIC)
        picture.save(tmp_path / "set" / part / "a" / f"{number}.png")
        if number in (0, 3):
            picture.save(tmp_path / "set" / "train" / "a" / f"{number}.jpg", quality=70)

    plan = plan_of(tmp_path / "set", settings)

    assert plan.n_near == 2
    assert plan.n_leaks == 1
    assert [pair.is_leak for pair in plan.near] == [True, False]
    assert {plan.near[0].first, plan.near[0].second} == {"test/a/0.png", "train/a/0.jpg"}
    assert dict(
        zip((plan.near[0].first, plan.near[0].second), plan.near[0].sides, strict=True)
    ) == {"test/a/0.png": "query", "train/a/0.jpg": "database"}
    assert plan.near[1].sides == ("", "")
    assert {thumb.image_id for thumb in plan.pair_thumbs} == {
        name for pair in plan.near for name in (pair.first, pair.second)
    }


def test_exact_leaks_are_counted(tmp_path: Path, settings: Settings) -> None:
    root = class_folders(tmp_path / "set", pictures())
    put(root, "train/cat/copy.png", pictures()[0].content)

    plan = plan_of(root, settings)

    assert (plan.n_duplicates, plan.n_leaks, plan.n_near) == (1, 1, 0)
    assert "leak: query and train" in plan.problems[-1].reason
    (copy,) = plan.near
    assert (copy.is_copy, copy.second, copy.sides) == (
        True,
        "train/cat/copy.png",
        ("query", "train"),
    )
    assert [thumb.image_id for thumb in plan.pair_thumbs] == [copy.first]


def test_a_name_that_reads_like_a_leak_is_none(tmp_path: Path, settings: Settings) -> None:
    root = class_folders(tmp_path / "set", pictures())
    put(root, "train/cat/a (leak: query and train).png", png((9, 9, 9)))
    put(root, "train/cat/b.png", png((9, 9, 9)))

    plan = plan_of(root, settings)

    assert (plan.n_duplicates, plan.n_leaks) == (1, 0)


def test_an_image_that_is_named_on_both_sides_of_the_split_is_a_leak(
    tmp_path: Path, settings: Settings
) -> None:
    put_images(tmp_path / "set", pictures(8))
    lines = [f"images/{i:03d}.png {i % 2} {1 - i % 2}" for i in range(8)]
    put(tmp_path / "set", "database.txt", "\n".join(lines))
    put(tmp_path / "set", "test.txt", "\n".join(lines[:2]))

    plan = plan_of(tmp_path / "set", settings)

    assert (plan.n_duplicates, plan.n_leaks) == (0, 2)


def test_content_that_is_here_already_is_named(image_folder: Path, settings: Settings) -> None:
    imported(image_folder, settings)

    assert plan_of(image_folder, settings).same_as == "shapes"


def test_a_table_shows_its_columns_and_what_was_guessed(tmp_path: Path, settings: Settings) -> None:
    plan = plan_of(csv_table(tmp_path / "set", with_many(pictures())), settings)

    assert plan.columns == ("file_name", "label", "split")
    assert plan.reading.label_columns == ("label",)
    assert plan.reading.layout == "table"


def test_a_split_that_is_not_possible_is_told_and_not_fatal(
    tmp_path: Path, settings: Settings
) -> None:
    """Two images of one class: a fifth of them is no query, at least sometimes."""
    put(tmp_path / "set", "a/1.png", png())

    plan = plan_of(tmp_path / "set", settings)

    assert plan.parts == {}
    assert "set of 'set' is empty" in plan.split_problem


@pytest.mark.parametrize(
    ("options", "command"),
    [
        ({}, "python -m pipeline datasets import 'my pets'"),
        (
            {
                "name": "pets",
                "reading": {
                    "layout": "class_folders",
                    "label_columns": ["a", "b c"],
                    "class_level": -1,
                },
                "split": {"how": "stratified", "queries": 0.1, "seed": 3},
                "link": True,
            },
            "python -m pipeline datasets import 'my pets' --name pets --link "
            "--format class_folders --label-column a --label-column 'b c' "
            "--class-level -1 --split stratified --queries 0.1 --seed 3",
        ),
    ],
)
def test_a_request_prints_its_command(options: dict[str, object], command: str) -> None:
    assert ImportRequest.model_validate({"source": "my pets", **options}).command() == command


def test_an_import_that_passes_over_a_label_file_needs_a_yes_or_a_layout(
    tmp_path: Path, settings: Settings
) -> None:
    put_images(tmp_path / "set", pictures(), "img")
    put(tmp_path / "set", "labels.csv", "what,ever\n1,2\n")
    request = ImportRequest(source=str(tmp_path / "set"))

    plan = plan_import(request, settings)
    with pytest.raises(DatasetError, match=r"labels.csv would not be used .* add --yes"):
        execute_import(request, settings)

    assert "labels.csv would not be used" in plan.doubt
    assert not list_datasets(settings)
    assert len(execute_import(request.model_copy(update={"yes": True}), settings)) == 12
    flat = request.model_copy(update={"name": "b", "reading": ReadOptions(layout="flat")})
    assert len(execute_import(flat, settings)) == 12


def test_a_dry_run_of_an_addition_counts_what_is_there(tmp_path: Path, settings: Settings) -> None:
    some = pictures()
    execute_import(ImportRequest(source=str(csv_table(tmp_path / "base", some[:9]))), settings)
    request = ImportRequest(source=str(csv_table(tmp_path / "more", some)), into="base")

    plan = plan_import(request, settings)

    assert (plan.info.n, plan.n_known) == (12, 9)


def test_a_built_in_source_needs_no_path(settings: Settings) -> None:
    opened = open_request(ImportRequest(source="openmoji", title="Emoji"), settings)

    assert opened.source.title == "Emoji"
    assert opened.guesses == ()
