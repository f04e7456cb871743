"""Encoding shard by shard: the codes of the run itself, by any engine, also after a kill."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from models.codes import HashCodes
from pipeline.images import load_rgb
from pipeline.index.store.opening import store_of
from pipeline.runs.run import Run
from pipeline.scaling.encoding import Job, OneProcess, encode_source, read_codes
from pipeline.scaling.sources import ScaleError, list_shards
from pipeline.settings import Settings
from tests.crashes import BY_RAY
from tests.factories import kill, python, wait_for_line

pytest.importorskip("fsspec", reason="requirements-scale.txt is not installed")


def picture(seed: int) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (40, 40, 3), np.uint8)
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "PNG")
    return content.getvalue()


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """40 pictures in two folders, of which one is damaged, beside a file of another kind."""
    for number in range(40):
        path = tmp_path / "photos" / f"part {number % 2}" / f"{number:02}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(picture(number) if number != 7 else b"\x89PNG\r\n\x1a\n damaged")
    (tmp_path / "photos" / "readme.txt").write_text("not a picture")
    return tmp_path / "photos"


def job_of(run: Run, source: Path, target: Path, collection: str = "") -> Job:
    return Job(run.id, tuple(list_shards(str(source), 8)), target, collection)


def expected(run: Run, ids: list[str]) -> HashCodes:
    """Codes of the pictures one by one."""
    backbone, method = run.load_backbone(), run.load_method()
    images = [load_rgb(Path(name.removeprefix("file://"))) for name in ids]
    packed = [method.encode(backbone.embed([image])).packed for image in images]
    return HashCodes(np.concatenate(packed), run.spec.bits)


def test_codes_are_those_of_the_run_and_problems_are_named(
    done_run: Run, own_library: Settings, photos: Path, tmp_path: Path
) -> None:
    job, seen = job_of(done_run, photos, tmp_path / "out"), []

    done = encode_source(job, own_library, OneProcess(), lambda *counts: seen.append(counts))

    ids, codes = read_codes(job.target)
    assert (done.n_codes, done.n_problems, len(ids)) == (39, 1, 39)
    assert seen == [(n, 5) for n in range(6)]
    assert [Path(name).name for name in ids[:3]] == ["00.png", "02.png", "04.png"]
    assert np.array_equal(codes.packed, expected(done_run, ids).packed)
    [problems] = job.target.glob("problems-*.json")
    [problem] = json.loads(problems.read_text("utf-8"))
    assert problem["id"].endswith("part 1/07.png")
    assert problem["reason"]


def test_what_is_done_is_not_done_again(
    done_run: Run, own_library: Settings, photos: Path, tmp_path: Path
) -> None:
    job = job_of(done_run, photos, tmp_path / "out")
    encode_source(job, own_library, OneProcess())
    whole = read_codes(job.target)
    (job.target / job.shards[1].name).unlink()
    others = {path: path.stat().st_mtime_ns for path in job.target.glob("codes-*")}

    again = encode_source(job, own_library, OneProcess())

    assert again.n_codes == 8
    assert {path: path.stat().st_mtime_ns for path in others} == others
    ids, codes = read_codes(job.target)
    assert ids == whole[0]
    assert np.array_equal(codes.packed, whole[1].packed)


def test_a_target_of_something_else_is_refused(
    done_run: Run, own_library: Settings, photos: Path, tmp_path: Path
) -> None:
    target = tmp_path / "out"
    encode_source(job_of(done_run, photos, target), own_library, OneProcess())
    other = Job(done_run.id, tuple(list_shards(str(photos), 10)), target)

    with pytest.raises(ScaleError, match="codes of another shards; take another folder"):
        encode_source(other, own_library, OneProcess())
    (target / "scale.json").write_text("{")
    with pytest.raises(ScaleError, match=r"scale\.json is damaged"):
        encode_source(other, own_library, OneProcess())


def test_codes_are_stored_in_a_collection_once(
    done_run: Run, own_library: Settings, photos: Path, tmp_path: Path
) -> None:
    for folder in ("first", "second"):  # the same images again
        job = job_of(done_run, photos, tmp_path / folder, "photos")
        encode_source(job, own_library, OneProcess())

    store = store_of(own_library)
    ids, codes = read_codes(job.target)
    [nearest] = store.search("photos", codes[3], 1).hits
    count = store.count("photos")
    store.close()

    assert count == 39
    assert (nearest.distance, nearest.payload["image_id"]) == (0, ids[3])


@pytest.mark.parametrize("kind", ["bytes", "hugging face"])
def test_parquet_files_are_divided_by_row_groups(
    done_run: Run, own_library: Settings, tmp_path: Path, kind: str
) -> None:
    contents = [picture(seed) for seed in range(10)]
    images = contents if kind == "bytes" else [{"bytes": c, "path": "x.png"} for c in contents]
    names = [f"photo {seed}" for seed in range(10)]
    pq.write_table(
        pa.table({"key": names, "image": images, "size": list(range(10))}),
        tmp_path / "some.parquet",
        row_group_size=2,
    )
    shards = list_shards(str(tmp_path / "some.parquet"), 4)

    encode_source(Job(done_run.id, tuple(shards), tmp_path / "out"), own_library, OneProcess())

    assert [shard.groups for shard in shards] == [(0, 1), (2, 3), (4,)]
    ids, codes = read_codes(tmp_path / "out")
    assert ids == names
    backbone, method = done_run.load_backbone(), done_run.load_method()
    single = [method.encode(backbone.embed([load_rgb(content)])).packed for content in contents]
    assert np.array_equal(codes.packed, np.concatenate(single))


def test_sources_that_cannot_be_read_say_why(tmp_path: Path, photos: Path) -> None:
    with pytest.raises(ScaleError, match="is not there"):
        list_shards(str(tmp_path / "nowhere"), 8)
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(ScaleError, match="no parquet file and no image"):
        list_shards(str(empty), 8)
    pq.write_table(pa.table({"a": [1]}), photos / "some.parquet")
    with pytest.raises(ScaleError, match="1 parquet files and 40 images"):
        list_shards(str(photos), 8)
    table = str(photos / "some.parquet")
    with pytest.raises(ScaleError, match="several or no columns that may be images"):
        list_shards(table, 8)
    with pytest.raises(ScaleError, match="has no column 'b'; it has a"):
        list_shards(table, 8, image_column="b")
    with pytest.raises(ScaleError, match="has int64 in 'a', not the bytes of images"):
        list_shards(table, 8, image_column="a")
    pq.write_table(pa.table({"image": pa.array([], pa.binary())}), photos / "some.parquet")
    with pytest.raises(ScaleError, match="parquet files without rows"):
        list_shards(table, 8)
    with pytest.raises(ScaleError, match="has no codes"):
        read_codes(empty)


@pytest.fixture
def ray_source(photos: Path) -> Iterator[Path]:
    pytest.importorskip("ray", reason="requirements-scale.txt is not installed")
    yield photos


def test_ray_gives_the_codes_of_one_process_also_after_a_kill(
    done_run: Run, own_library: Settings, ray_source: Path, tmp_path: Path
) -> None:
    single = job_of(done_run, ray_source, tmp_path / "single")
    encode_source(single, own_library, OneProcess())
    target = tmp_path / "by ray"
    arguments = (own_library.home, done_run.id, ray_source, target)
    child = python(BY_RAY, *arguments)
    wait_for_line(child, "done 1")
    kill(child)
    n_kept = len(list(target.glob("codes-*.parquet")))

    child = python(BY_RAY, *arguments)
    wait_for_line(child, "ended")
    kill(child)

    assert 1 <= n_kept <= 5
    for one, other in zip(read_codes(single.target), read_codes(target), strict=True):
        if isinstance(one, HashCodes) and isinstance(other, HashCodes):
            assert np.array_equal(one.packed, other.packed)
        else:
            assert one == other


def test_several_processes_do_not_share_the_embedded_store(
    done_run: Run, own_library: Settings, ray_source: Path, tmp_path: Path
) -> None:
    from pipeline.scaling.ray_engine import RayEngine

    job = job_of(done_run, ray_source, tmp_path / "out", "photos")

    with pytest.raises(ScaleError, match="the embedded store serves one process: set QDRANT_URL"):
        encode_source(job, own_library, RayEngine(2))
