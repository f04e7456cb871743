"""A small library on disk: 60 drawings in 3 classes, two runs, one of them published."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.components.v2 import manifest_scanner
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

from pipeline.index.publish import publish
from pipeline.index.store.opening import open_store
from pipeline.ingest.ingest import import_dataset
from pipeline.ingest.sources import SourceRequest, open_source
from pipeline.settings import Settings
from tests.dashboard.browsing import browser, look, open_tab, served_home, server
from tests.dashboard.pages import MAIN, draw_images, train
from tests.factories import copied_library

__all__ = ["browser", "look", "open_tab", "served_home", "server"]  # fixtures


@pytest.fixture(scope="session")
def shared_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library; tests that change it take `own_home`."""
    root = tmp_path_factory.mktemp("library")
    draw_images(root / "shapes")
    settings = Settings(home=root / "home", threads=2)
    dataset = import_dataset(open_source("folder", SourceRequest(path=root / "shapes")), settings)
    published = train(settings, dataset.info.name)
    train(settings, dataset.info.name, method="lsh", bits=8)
    store = open_store(None, settings.index_path)
    publish(published, dataset, store)
    store.close()
    return settings.home


@pytest.fixture
def own_home(shared_home: Path, tmp_path: Path) -> Path:
    """A copy of the library."""
    return copied_library(shared_home, tmp_path / "home")


@pytest.fixture(autouse=True)
def fresh_caches(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No test sees what another has cached, nor the settings of this machine."""
    for name in ("HASHLENS_HOME", "QDRANT_URL", "QDRANT_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    st.cache_data.clear()
    st.cache_resource.clear()
    yield
    st.cache_data.clear()
    st.cache_resource.clear()  # also closes the store, which is for one process at a time


@pytest.fixture
def settings(shared_home: Path) -> Settings:
    return Settings(home=shared_home, threads=2)


_EVENTS = 2  # place of dialogs in the root, beside the page and the sidebar


class FragmentWatch:
    """Notes fragments inside others, and those without a container of their own.

    When a fragment runs again, Streamlit drops what it has not sent yet of its last run: places
    that depend on it are then gone in the browser, and on a slow line the whole page goes white.
    """

    def __init__(self) -> None:
        self.found: set[str] = set()
        self._owners: dict[tuple[int, ...], str] = {}

    def __call__(self, message: ForwardMsg) -> None:
        if message.WhichOneof("type") == "new_session":
            self._owners = {}
        if message.WhichOneof("type") != "delta":
            return
        path, own = tuple(message.metadata.delta_path), message.delta.fragment_id
        if message.delta.WhichOneof("type") == "add_block":
            self._owners[path] = own
            is_first = own and path[0] != _EVENTS and self._owners.get(path[:-1], "") != own
            if is_first and (path[-1] != 0 or path[:-1] not in self._owners):
                self.found.add(f"not alone: {str(message.delta)[:300]}")
        around = {self._owners.get(path[:depth], "") for depth in range(1, len(path))}
        if around - {"", own}:
            self.found.add(str(message.delta)[:300])


@pytest.fixture(scope="session", autouse=True)
def _packages_are_scanned_once() -> Iterator[None]:
    """AppTest reads what every installed package says of itself at every start: half its time."""
    once = functools.cache(manifest_scanner.scan_component_manifests)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", once)
        yield


@pytest.fixture
def open_app(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., AppTest]]:
    """Opens a page of the dashboard on a library, with parameters in the address bar."""
    watch = FragmentWatch()
    ForwardMsgQueue.on_before_enqueue_msg(watch)

    def open_at(home: Path, page: str = "search", **parameters: str) -> AppTest:
        monkeypatch.setenv("HASHLENS_HOME", str(home))
        app = AppTest.from_file(str(MAIN), default_timeout=30)
        for name, value in parameters.items():
            app.query_params[name] = value
        app._page_hash = calc_hash("" if page == "overview" else page)  # its address
        return app.run()

    yield open_at
    ForwardMsgQueue.on_before_enqueue_msg(None)
    assert not watch.found, "a fragment inside another, or not in its own container"
