"""Commands about data sets."""

from __future__ import annotations

import re
from pathlib import Path

from pipeline.datasets.dataset import load_dataset
from pipeline.runs.registry import RunRegistry
from pipeline.settings import Settings
from tests.factories import write_images
from tests.layout_writers import csv_table, pictures
from tests.pipeline.cli.commands import Cli


def test_import_list_show_and_delete(cli: Cli, tmp_path: Path) -> None:
    folder = write_images(tmp_path / "My Pets", per_class=2)

    assert "8 images stored, 0 files skipped or changed" in cli("datasets", "import", folder).out
    listed = cli("datasets", "list").out
    assert "my-pets" in listed
    assert "openmoji" in listed
    assert "labels 'class': single, 4 classes" in cli("datasets", "show", "my-pets").out
    assert cli("datasets", "delete", "my-pets", "--yes").out == "Deleted my-pets.\n"
    assert "my-pets" not in cli("datasets", "list").out


def test_a_label_file_that_is_not_understood_is_said_and_needs_a_yes(
    cli: Cli, tmp_path: Path
) -> None:
    folder = tmp_path / "pets"
    write_images(folder / "img", per_class=1)
    (folder / "labels.json").write_text('{"img/circle/000.jpg": "cat",\n "img" "dog"}')

    checked = cli("datasets", "import", folder, "--dry-run")
    refused = cli("datasets", "import", folder)
    taken = cli("datasets", "import", folder, "--yes")

    assert "Warning: labels.json is not used: cannot be read as JSON" in checked.out
    assert "line 2" in checked.out
    assert "An import needs --format or --yes." in checked.out
    assert (refused.code, taken.code) == (2, 0)
    assert "labels.json would not be used" in refused.err
    assert "not used: cannot be read as JSON" in taken.out


def test_a_dry_run_reports_and_stores_nothing(
    cli: Cli, tmp_path: Path, own_library: Settings
) -> None:
    folder = write_images(tmp_path / "pets", per_class=3)
    (folder / "dots" / "broken.png").write_bytes(b"broken")
    table = tmp_path / "problems.csv"

    out = cli("datasets", "import", folder, "--dry-run", "--problems", table).out

    assert "Dry run, nothing was stored." in out
    assert "*  90 % class folders (folders: 4)" in out
    assert "12 images would be stored, 0 duplicates kept once, 1 file rejected" in out
    assert "Split: protocol holdout, seed 0" in out
    assert 'dots/broken.png,"the image is not a JPEG' in table.read_text("utf-8")
    assert not (own_library.datasets_path / "pets").exists()


def test_a_table_with_a_split_is_inspected_renamed_exported_and_imported_again(
    cli: Cli, tmp_path: Path
) -> None:
    csv_table(tmp_path / "set", pictures())
    target = tmp_path / "set.zip"
    columns = ("--path-column", "file_name", "--label-column", "label", "--format", "table")

    imported = cli("datasets", "import", tmp_path / "set", *columns, "--split", "stratified")
    shown = cli("datasets", "inspect", "set").out
    renamed = cli("datasets", "rename", "set", "pets", "--title", "My pets").out
    exported = cli("datasets", "export", "pets", target).out
    twin = cli("datasets", "import", target, "--name", "again")
    again = cli("datasets", "import", target, "--name", "again", "--again")

    assert "Evaluated under protocol given, seed 0 (stratified by class" in imported.out
    assert re.search(r"cat +│ +4 +│", shown)
    assert "set is now pets: My pets." in renamed
    assert "Wrote 12 images" in exported
    assert (twin.code, "already here as 'pets'" in twin.err) == (2, True)
    assert "12 images stored" in again.out


def test_names_that_look_like_markup_are_printed_as_they_are(cli: Cli, tmp_path: Path) -> None:
    folder = write_images(tmp_path / "[bold] set", per_class=1)
    (folder / "notes [red].txt").write_text("x", "utf-8")
    title = ("--title", "[/red] [bold] set")  # a closing tag that was never opened

    checked = cli("datasets", "import", folder, *title, "--dry-run")
    imported = cli("datasets", "import", folder, *title, "--name", "odd")

    assert (checked.code, imported.code) == (0, 0)
    assert "[/red] [bold] set (odd)" in imported.out


def test_images_are_added_to_a_data_set(cli: Cli, tmp_path: Path) -> None:
    folder = write_images(tmp_path / "more", per_class=2, seed=5)

    assert "48 images stored" in cli("datasets", "import", folder, "--into", "shapes").out
    assert "is new to 'shapes'" in cli("datasets", "import", folder, "--into", "shapes").err


def test_deleting_names_the_dependents_of_the_data_set(cli: Cli, own_library: Settings) -> None:
    out = cli("datasets", "delete", "shapes", "--yes").out

    assert out == "Deleted shapes with 1 run and 0 indexes.\n"
    assert RunRegistry(own_library).all() == []


def test_files_with_brackets_in_their_names_are_inspected_and_exported(
    cli: Cli, tmp_path: Path
) -> None:
    folder = write_images(tmp_path / "set", per_class=1)
    (folder / "x[").mkdir()
    for name in ("old [draft]", "x[/b].txt", ":smile:.txt"):
        (folder / name).write_text("x", "utf-8")
    (tmp_path / "a[").mkdir()

    cli("datasets", "import", folder, "--name", "odd")
    shown = cli("datasets", "inspect", "odd", "--problems")
    exported = cli("datasets", "export", "odd", tmp_path / "a[" / "b].zip")

    assert (shown.code, exported.code) == (0, 0)
    assert all(name in shown.out for name in ("old [draft]", "x[/b].txt", ":smile:.txt"))
    assert "a[/b].zip" in exported.out


def test_labels_are_joined_later_and_runs_measured_by_them(
    cli: Cli, own_library: Settings, tmp_path: Path
) -> None:
    ids = load_dataset("shapes", own_library).manifest["image_id"].tolist()
    table = tmp_path / "later.csv"
    lines = [
        "file,size",
        *(f"{name},{'large' if i % 3 else 'small'}" for i, name in enumerate(ids)),
    ]
    table.write_text("\n".join([*lines, "gone.png,small"]), "utf-8")

    said = cli("datasets", "label", "shapes", table).out

    assert "40 of 40 images have a label in 'size', 2 classes; 0 images are not in" in said
    assert "1 of 41 rows of the table name no image (gone.png)" in said
    assert "python -m pipeline evaluate RUN --labels 'size'" in said
    assert "already, which stays" in cli("datasets", "label", "shapes", table).err
    measured = cli("evaluate", "itq", "--labels", "size")
    assert measured.code == 0
    assert "measured by size ->" in measured.err
    first, again = RunRegistry(own_library).all()
    assert (first.spec.label_set, first.status().codes_of) == ("size", again.id)
    assert first.report().n_database == 32
