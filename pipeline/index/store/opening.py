"""open_store: the store that the settings ask for; the only place that knows Qdrant's modes."""

from __future__ import annotations

import logging
import ssl
import warnings
from functools import cache
from importlib.util import find_spec
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from qdrant_client import QdrantClient

from pipeline.index.store.base import StoreUnavailable
from pipeline.index.store.cluster import Server, version_problem
from pipeline.index.store.qdrant import Layout, QdrantCodeStore
from pipeline.index.store.qdrant_errors import address_of
from pipeline.settings import Settings
from pipeline.wording import sentence

_log = logging.getLogger(__name__)


def store_of(settings: Settings, *, is_read_only: bool = False, **changes: int) -> QdrantCodeStore:
    """The store that the settings name, with everything they say about it.

    Args:
        settings: address, keys, certificate, times and layout.
        is_read_only: take the key that may not write, where there is one.
        changes: `timeout_s` or `check_compatibility` other than usual.

    Raises:
        StoreUnavailable: another process uses the folder.
    """
    key = settings.qdrant_read_only_api_key if is_read_only else None
    usual: dict[str, Any] = {"timeout_s": settings.qdrant_timeout_s, **changes}
    return open_store(
        settings.qdrant_url,
        settings.index_path,
        key or settings.qdrant_api_key,
        prefer_grpc=settings.qdrant_grpc,
        grpc_port=settings.qdrant_grpc_port,
        certificate=settings.qdrant_ca,
        layout=Layout(settings.qdrant_shards, settings.qdrant_replicas),
        **usual,
    )


def open_store(
    url: str | None,
    path: Path | None = None,
    api_key: str | None = None,
    *,
    prefer_grpc: bool = False,
    grpc_port: int = 6334,
    timeout_s: int = 60,
    check_compatibility: bool = True,
    certificate: Path | None = None,
    layout: Layout | None = None,
    embedded_engine: bool | None = None,
) -> QdrantCodeStore:
    """The store that the settings ask for.

    Args:
        url: address of a server, or ":memory:"; None: embedded under `path`.
        path: folder of the embedded store.
        api_key: key of the server.
        prefer_grpc: send requests to the server's gRPC port.
        grpc_port: that port.
        timeout_s: how long one request may take.
        check_compatibility: ask for the server's version, and warn when it is too far from the
            client's.
        certificate: PEM file of the authority that issued an https server's certificate; None: the
            system's.
        layout: how a cluster spreads new collections.
        embedded_engine: False: local mode, even where qdrant-edge is installed.

    Raises:
        ValueError: neither url nor path.
        StoreUnavailable: another process uses the folder, or the certificate cannot be read.
    """
    if url == ":memory:":
        return QdrantCodeStore(QdrantClient(":memory:"), local_mode=True)
    if url is not None:
        more = {} if certificate is None else _trusting(certificate)
        more |= {"prefer_grpc": prefer_grpc, "grpc_port": grpc_port, "timeout": timeout_s}
        client = _server(url, api_key, more)
        if check_compatibility and (problem := version_problem(Server(client).version())):
            _log.warning("%s", problem)
        return QdrantCodeStore(client, address=address_of(url), layout=layout)
    if path is None:
        raise ValueError("a store needs a server's url or a folder for the embedded index")
    if embedded_engine is None:
        embedded_engine = find_spec("qdrant_edge") is not None
    if embedded_engine:
        from pipeline.index.store.edge_client import EdgeClient

        try:
            return QdrantCodeStore(EdgeClient(path), address=str(path))
        except OSError as error:
            raise StoreUnavailable(f"the index cannot be opened: {sentence(error)}") from error
    return _local_mode(path)


def _server(url: str, api_key: str | None, more: dict[str, Any]) -> QdrantClient:
    if api_key and not url.startswith("https:") and not _is_loopback(url):
        _warn_unencrypted(address_of(url))
    with warnings.catch_warnings():  # said above, where logs are read
        warnings.filterwarnings("ignore", message="Api key is used with an insecure connection")
        # Its own check asks past the certificate given, and warns past the logs.
        return QdrantClient(url=url, api_key=api_key, check_compatibility=False, **more)


@cache  # once per process is enough
def _warn_unencrypted(address: str) -> None:
    _log.warning("the API key goes to %s unencrypted: keep that network private", address)


def _is_loopback(url: str) -> bool:
    """Whether what is sent there stays on this machine."""
    host = urlsplit(url if "//" in url else f"//{url}").hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _trusting(certificate: Path) -> dict[str, Any]:
    """Options of the client that make it trust this authority, over HTTP and gRPC."""
    try:
        context = ssl.create_default_context(cafile=certificate)
        content = certificate.read_bytes()
    except OSError as error:  # ssl.SSLError is one
        raise StoreUnavailable(
            f"{certificate} cannot be used as a certificate ({error}); set QDRANT_CA to a PEM file "
            "with the certificate of the authority that issued the server's"
        ) from error
    return {"verify": context, "grpc_options": {"root_certificates": content}}


def _local_mode(path: Path) -> QdrantCodeStore:
    _log.warning(
        "qdrant-edge is not installed (there is no package for some platforms): the index in %s "
        "is slow beyond 10,000 images; for more, run a Qdrant server and set QDRANT_URL",
        path,
    )
    try:
        client = QdrantClient(path=str(path))
    except RuntimeError as error:
        raise StoreUnavailable(
            f"the index in {path} is open in another process; stop that one, "
            "or run a Qdrant server and set QDRANT_URL"
        ) from error
    return QdrantCodeStore(client, local_mode=True, address=str(path))
