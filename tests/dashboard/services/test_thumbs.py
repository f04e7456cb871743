"""Thumbnails and their route: made once, kept for ever, and no other file is served."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest
from PIL import Image
from starlette.applications import Starlette

from dashboard.routes import routes
from dashboard.services.thumbs import Thumbnails, thumb_url
from pipeline.datasets.dataset import load_dataset
from pipeline.settings import Settings
from pipeline.vectors.importing import plan_vectors, store_vectors
from pipeline.vectors.request import VectorsRequest


@dataclass
class Answered:
    status: int
    headers: dict[str, str]
    content: bytes


Get = Callable[[str], Answered]


@pytest.fixture
def get(own_home: Path) -> Get:
    """Asks the routes over ASGI, as a server does: the path comes decoded."""
    app = Starlette(routes=routes(Settings(home=own_home)))

    async def ask(url: str) -> Answered:
        path, _, query = url.partition("?")
        scope = {
            "type": "http",
            "method": "GET",
            "path": unquote(path),
            "query_string": query.encode(),
            "headers": [],
        }
        sent: list[dict] = []

        async def receive() -> dict:
            return {"type": "http.request", "body": b""}

        async def send(message: dict) -> None:
            sent.append(message)

        await app(scope, receive, send)
        headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        return Answered(sent[0]["status"], headers, b"".join(m.get("body", b"") for m in sent))

    return lambda url: asyncio.run(ask(url))


@pytest.fixture
def sha256(settings: Settings) -> str:
    return str(load_dataset("shapes", settings).manifest["sha256"].iloc[0])


def test_health_is_small_json(get: Get):
    response = get("/healthz")

    assert response.status == 200
    assert json.loads(response.content)["status"] == "ok"


def test_a_thumbnail_is_webp_and_may_be_kept_for_ever(get: Get, sha256: str, own_home: Path):
    response = get(thumb_url("shapes", sha256))

    assert response.status == 200
    assert response.headers["content-type"] == "image/webp"
    assert "immutable" in response.headers["cache-control"]
    assert response.headers["x-content-type-options"] == "nosniff"
    assert Image.open(io.BytesIO(response.content)).size == (32, 32)
    assert (own_home / "thumbs/shapes/256" / sha256[:2] / f"{sha256}.webp").is_file()


def test_the_large_size_is_another_file(get: Get, sha256: str, own_home: Path):
    assert get(thumb_url("shapes", sha256, is_large=True)).status == 200
    assert (own_home / "thumbs/shapes/1024" / sha256[:2] / f"{sha256}.webp").is_file()


@pytest.mark.parametrize(
    ("dataset", "name"),
    [
        ("shapes", "0" * 64),
        ("unknown", "0" * 64),
        ("shapes", "A" * 64),
        ("shapes", "0" * 63),
        ("shapes", "..%2f..%2fdataset.json"),
        ("..", "0" * 64),
        ("%2e%2e", "0" * 64),
        (".shapes.part", "0" * 64),
        ("shapes%00", "0" * 64),
        ("shapes\\..\\shapes", "0" * 64),
    ],
)
def test_hostile_and_unknown_ids_are_not_found(get: Get, own_home: Path, dataset: str, name: str):
    assert get(f"/thumbs/{dataset}/{name}.webp").status == 404
    assert not (own_home / "thumbs").exists()


def test_an_image_that_changed_on_disk_is_not_found(get: Get, sha256: str, own_home: Path):
    next((own_home / "datasets/shapes/images").rglob(f"{sha256}.*")).write_bytes(b"changed")

    assert get(thumb_url("shapes", sha256)).status == 404


def test_the_thumbnails_of_a_deleted_data_set_are_gone(sha256: str, own_home: Path):
    thumbnails = Thumbnails(Settings(home=own_home))
    assert thumbnails.get("shapes", sha256) is not None

    (own_home / "datasets/shapes/dataset.json").unlink()

    assert thumbnails.get("shapes", sha256) is None


def test_an_image_of_a_data_set_of_vectors_is_a_tile_with_its_id(tmp_path: Path) -> None:
    settings, digest = vector_set(tmp_path)

    content = Thumbnails(settings).get("sift", digest)

    assert content is not None
    picture = Image.open(io.BytesIO(content)).convert("L")
    assert picture.size == (256, 256)
    assert picture.getextrema()[0] < 100 < 200 < picture.getextrema()[1]  # letters on paper


def vector_set(tmp_path: Path) -> tuple[Settings, str]:
    """A library with a data set made of 40 vectors, and the digest of its first row."""
    settings = Settings(home=tmp_path / "library")
    vectors = np.random.default_rng(0).normal(size=(40, 8))
    np.savez(tmp_path / "v.npz", vectors=vectors, labels=np.arange(40) % 4)
    request = VectorsRequest(dataset="sift", source=str(tmp_path / "v.npz"), name="v", new=True)
    store_vectors(plan_vectors(request, settings), settings)
    return settings, str(load_dataset("sift", settings).manifest["sha256"].iloc[0])
