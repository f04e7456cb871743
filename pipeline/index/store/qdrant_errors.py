"""Errors of qdrant_client, over REST, gRPC or in process, as errors of the store."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import urlsplit

import grpc  # type: ignore[import-untyped]  # publishes no types
from qdrant_client.common.client_exceptions import ResourceExhaustedResponse
from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

from pipeline.index.store.base import (
    CollectionExists,
    CollectionMissing,
    StoreError,
    StoreRefused,
    StoreUnavailable,
)

CLIENT_ERRORS = (
    UnexpectedResponse,
    ResponseHandlingException,
    ResourceExhaustedResponse,
    grpc.RpcError,
    ValueError,  # local mode and the embedded engine raise nothing more specific
)
_REFUSED = {401, 403, grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED}
_SILENT = {
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
}
# What a server of a cluster says in an error of status 500.
_LACKS_COPIES = re.compile(
    "enough active replicas|read operations failed|failed to apply operation|`Active` replica", re.I
)
_LACKS_MAJORITY = re.compile("consensus operation|leader is not established", re.I)


def address_of(url: str) -> str:
    """The address in a URL without user name, password or query, fit for messages."""
    parts = urlsplit(url if "//" in url else f"//{url}")
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme or 'http'}://{parts.hostname}{port}{parts.path}"


def translated(
    error: Exception, address: str, collection: str, nodes: Callable[[], str] = str
) -> Exception:
    """Translate a client's error into the one to raise; a ValueError that says nothing known stays.

    Args:
        error: one of CLIENT_ERRORS.
        address: how to call the store, without secrets.
        collection: the collection asked for, "" when none was.
        nodes: says how many nodes of a cluster answer, "" where that is not known.
    """
    if isinstance(error, UnexpectedResponse):
        text = _said(error.content.decode("utf-8", "replace"))
        return _by_status(error.status_code, text, address, collection, nodes)
    if isinstance(error, grpc.RpcError):
        return _by_status(error.code(), str(error.details())[:300], address, collection, nodes)
    if isinstance(error, ResponseHandlingException):
        reason = f"{type(error.source).__name__}: {error.source}"
        return _silent(address, reason)
    if isinstance(error, ResourceExhaustedResponse):
        return _silent(address, f"too many requests, retry in {error.retry_after_s} s")
    if collection and str(error).endswith(" not found"):
        return CollectionMissing(collection)
    if collection and str(error).endswith(" already exists"):
        return CollectionExists(collection)
    return error


def _said(text: str) -> str:
    """The sentence in an answer of the server."""
    with suppress(ValueError, KeyError, TypeError):
        text = str(json.loads(text)["status"]["error"])
    return text[:300]


def _by_status(
    status: object, text: str, address: str, collection: str, nodes: Callable[[], str]
) -> Exception:
    """The error for a status of HTTP (a number) or gRPC."""
    if status in _REFUSED:
        return StoreRefused(
            f"the Qdrant server at {address} refuses the API key; "
            "set QDRANT_API_KEY to a key that may do this",
            "Server refuses the key",
        )
    # A proxy or another web server says 404 too, but not about a collection.
    if status in (404, grpc.StatusCode.NOT_FOUND) and collection and "ollection" in text:
        return CollectionMissing(collection)
    if status in (409, grpc.StatusCode.ALREADY_EXISTS) and collection:
        return CollectionExists(collection)
    if status in _SILENT or status == 404:
        return _silent(address, f"{status} {text}")
    if status is grpc.StatusCode.INTERNAL or (isinstance(status, int) and status >= 500):
        return _failing(f"{status}: {text}", address, nodes)
    return StoreError(f"the Qdrant server at {address} rejects the request ({status}): {text}")


def _silent(address: str, reason: str) -> StoreUnavailable:
    if "CERTIFICATE_VERIFY_FAILED" in reason:
        return StoreUnavailable(
            f"the certificate of the Qdrant server at {address} is not trusted ({reason}); set "
            "QDRANT_CA to the certificate file of the authority that issued it",
            "Server not trusted",
        )
    its = "QDRANT_GRPC_PORT is its port" if "StatusCode" in reason else "QDRANT_URL is its address"
    return StoreUnavailable(
        f"no answer from the Qdrant server at {address} ({reason}); "
        f"check that it runs and that {its}",
        "Server does not answer",
    )


def _failing(reason: str, address: str, nodes: Callable[[], str]) -> StoreUnavailable:
    """The error for a server that answers and cannot do what it is asked."""
    server = f"the Qdrant server at {address} answers"
    if _LACKS_MAJORITY.search(reason):
        return StoreUnavailable(
            f"{server}, but too few nodes of its cluster do, and without most of them no index "
            f"can be changed{nodes()}; start the others ({reason})",
            "Server lacks nodes",
        )
    if _LACKS_COPIES.search(reason):
        return StoreUnavailable(
            f"{server}, but every copy of a part of the index is on nodes that do "
            f"not{nodes()}; start them, and publish with QDRANT_REPLICAS=2 or more so that one "
            f"may fail ({reason})",
            "Server lacks nodes",
        )
    return StoreUnavailable(
        f"{server} with an error ({reason}); its log says more", "Server reports an error"
    )
