"""A search as one file, or as a folder."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from dashboard.services.report_basket import Basket, Change, new_item
from dashboard.services.report_store import change, create_report
from models.codes import HashCodes
from pipeline.datasets.dataset import load_dataset
from pipeline.index.search import exact_store
from pipeline.runs.execute import execute
from pipeline.runs.registry import RunRegistry
from pipeline.sharing import search_file
from pipeline.sharing.findings import Entry, Findings, read_findings
from pipeline.sharing.search_file import ShareError, open_shared, shared_page, write_shared
from tests.factories import spec


def data_of(page: bytes) -> dict:
    [text] = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page.decode())
    return json.loads(text)


def test_the_page_holds_codes_names_labels_and_pictures_in_the_order_of_an_index(library, shapes):
    [run] = RunRegistry(library).all()
    shared = open_shared([run], shapes)

    data = data_of(shared_page(shared))

    store, alias = exact_store(run, shapes)
    packed = np.frombuffer(base64.b64decode(data["runs"][0]["codes"]), np.uint8).reshape(-1, 2)
    codes = HashCodes(packed, 16)
    for place in (0, 17, 39):
        hits = store.search(alias, codes[[place]], len(codes)).hits
        distances = codes[[place]].hamming(codes)[0]
        order = np.argsort(distances, kind="stable")
        names = [shapes.manifest["image_id"].iloc[hit.payload["row"]] for hit in hits]
        assert [data["ids"][other] for other in order] == names
        assert distances[order].tolist() == [hit.distance for hit in hits]
        same = hits[names.index(data["ids"][place])]
        labels = [data["classes"][label] for label in data["labels"][place]]
        assert labels == same.payload["labels"]
        assert data["parts"][data["part"][place]] == same.payload["split"]
    with Image.open(io.BytesIO(base64.b64decode(data["pictures"][5]))) as picture:
        assert picture.size == (24, 24)  # smaller images keep their size


def test_the_size_is_told_beforehand(library, shapes):
    [run] = RunRegistry(library).all()
    shared = open_shared([run], shapes)

    assert shared.summary.startswith("40 images, about ")
    assert shared.n_bytes == pytest.approx(len(shared_page(shared)), rel=0.03)


def test_the_policy_allows_this_style_and_script_alone(library, shapes):
    [run] = RunRegistry(library).all()
    page = shared_page(open_shared([run], shapes)).decode()

    [policy] = re.findall(r'Content-Security-Policy" content="([^"]+)"', page)
    policy = policy.replace("&#39;", "'")
    assert policy.startswith("default-src 'none'; img-src data:; ")
    for tag, kind in (("<style>(.*?)</style>", "style"), ("<script>(.*?)</script>", "script")):
        [content] = re.findall(tag, page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    assert "unsafe" not in policy
    assert not re.findall(r"https?://", page.split('id="data"')[0].split("<footer>")[0])


def test_names_and_findings_are_never_markup(library, shapes):
    [run] = RunRegistry(library).all()
    hostile = "</script><img src=x onerror=alert(1)>&\u2028"
    findings = Findings(
        title=hostile, author=hostile, finding=hostile, items=(Entry(title=hostile, note=hostile),)
    )
    shared = open_shared([run], shapes, findings)
    manifest = shapes.manifest.assign(text=hostile)
    shared = replace(shared, dataset=replace(shapes, manifest=manifest))

    page = shared_page(shared)

    assert b"<img" not in page
    assert page.count(b"</script>") == 2
    assert data_of(page)["texts"] == [hostile] * 40


def test_what_is_too_large_for_a_file_becomes_a_folder_with_sheets(
    library, shapes, tmp_path, monkeypatch
):
    monkeypatch.setattr(search_file, "MOST_BYTES", 30_000)
    [run] = RunRegistry(library).all()
    shared = open_shared([run], shapes, pixels=48)
    assert "a folder, since one file may have 30.0 kB at most" in shared.summary
    seen = []

    page = write_shared(shared, tmp_path / "out.html", lambda *step: seen.append(step))

    assert page == tmp_path / "out" / "index.html"
    assert seen == [(1, 1)]
    assert data_of(page.read_bytes())["pictures"] is None
    with Image.open(tmp_path / "out" / "sheets" / "0.webp") as sheet:
        assert sheet.size == (480, 480)
        assert np.asarray(sheet)[12, 12, 3] > np.asarray(sheet)[400, 400, 3] == 0
    with pytest.raises(ShareError, match="is there already"):
        write_shared(shared, tmp_path / "out.html")
    write_shared(shared, tmp_path / "out.html", force=True)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_what_cannot_be_written_leaves_nothing(library, shapes, tmp_path, monkeypatch):
    [run] = RunRegistry(library).all()
    shared = open_shared([run], shapes)

    with pytest.raises(ShareError, match=r"must end in \.html"):
        write_shared(shared, tmp_path / "out.txt")
    with pytest.raises(ShareError, match="there is no folder"):
        write_shared(shared, tmp_path / "nowhere" / "out.html")
    monkeypatch.setattr(search_file, "MOST_BYTES", 1)

    def stop(*_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_shared(shared, tmp_path / "out.html", stop)
    assert not list(tmp_path.iterdir())


def test_too_many_images_other_data_sets_and_pictures_without_a_size_are_refused(
    library, shapes, monkeypatch
):
    [run] = RunRegistry(library).all()
    with pytest.raises(ShareError, match="48 to 512 pixels, got 20"):
        open_shared([run], shapes, pixels=20)
    with pytest.raises(ShareError, match="one run or two side by side, got 3"):
        open_shared([run] * 3, shapes)
    other = shapes.info.model_copy(update={"name": "others"})
    with pytest.raises(ShareError, match="is on 'shapes', not on 'others'"):
        open_shared([run], replace(shapes, info=other))
    monkeypatch.setattr(search_file, "MOST_IMAGES", 39)
    with pytest.raises(ShareError, match="40 images are more than the 39"):
        open_shared([run], shapes)


def test_two_runs_share_the_images_that_both_have(done_run, own_library):
    second = RunRegistry(own_library).create(spec(method="lsh", bits=24))
    execute(second, own_library)
    codes, rows = second.load_codes("database")
    second.save_codes("database", codes[:-3], rows[:-3])

    dataset = load_dataset("shapes", own_library)
    shared = open_shared([done_run, second], dataset)

    assert len(shared.rows) == 37
    assert not set(rows[-3:]) & set(shared.rows)
    data = data_of(shared_page(shared))
    assert [run["bits"] for run in data["runs"]] == [16, 24]
    place = int(np.flatnonzero(shared.rows == rows[0])[0])
    assert shared.codes[1].packed[place].tolist() == codes.packed[0].tolist()


def test_a_picture_that_is_gone_is_a_tile(done_run, own_library):
    dataset = load_dataset("shapes", own_library)
    shared = open_shared([done_run], dataset)
    dataset.image_path(int(shared.rows[0])).unlink()

    data = data_of(shared_page(shared))

    with Image.open(io.BytesIO(base64.b64decode(data["pictures"][0]))) as tile:
        assert tile.size == (128, 128)


def test_the_findings_are_those_of_the_report_changed_last(own_library):
    assert read_findings("shapes", own_library) == Findings()
    report = create_report(own_library, "shapes", "Second")
    item = new_item("Methods", finding="ITQ leads.", note="By a little.")
    basket = Basket(title="Second", author="Ann", finding="It works.", items=(item,))

    change(own_library, "shapes", Change("fill", lambda _: basket), report)
    create_report(own_library, "shapes-2", "Another data set's")

    findings = read_findings("shapes", own_library)

    assert (findings.title, findings.author, findings.finding) == ("Second", "Ann", "It works.")
    assert findings.told == (Entry(title="Methods", finding="ITQ leads.", note="By a little."),)
    path = own_library.home / "reports" / f"shapes.{report}.json"
    path.write_text("{", "utf-8")
    with pytest.raises(ValueError, match="--no-findings"):
        read_findings("shapes", own_library)
