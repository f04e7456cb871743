"""Errors of qdrant_client, over REST, gRPC or in process, as errors of the store."""

from __future__ import annotations

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
_UNAVAILABLE = {
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
}


def address_of(url: str) -> str:
    """The address in a URL without user name, password or query, fit for messages."""
    parts = urlsplit(url if "//" in url else f"//{url}")
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme or 'http'}://{parts.hostname}{port}{parts.path}"


def translated(error: Exception, address: str, collection: str) -> Exception:
    """Translate a client's error into the one to raise; a ValueError that says nothing known stays.

    Args:
        error: one of CLIENT_ERRORS.
        address: how to call the store, without secrets.
        collection: the collection asked for, "" when none was.
    """
    if isinstance(error, UnexpectedResponse):
        text = error.content.decode("utf-8", "replace")[:300]
        return _by_status(error.status_code, text, address, collection)
    if isinstance(error, grpc.RpcError):
        return _by_status(error.code(), str(error.details()), address, collection)
    if isinstance(error, ResponseHandlingException):
        reason = f"{type(error.source).__name__}: {error.source}"
        return _unavailable(address, reason)
    if isinstance(error, ResourceExhaustedResponse):
        return _unavailable(address, f"too many requests, retry in {error.retry_after_s} s")
    if collection and str(error).endswith(" not found"):
        return CollectionMissing(collection)
    if collection and str(error).endswith(" already exists"):
        return CollectionExists(collection)
    return error


def _by_status(status: object, text: str, address: str, collection: str) -> Exception:
    """The error for a status of HTTP (a number) or gRPC."""
    if status in _REFUSED:
        return StoreRefused(
            f"the Qdrant server at {address} refuses the API key; "
            "set QDRANT_API_KEY to a key that may do this"
        )
    # A proxy or another web server says 404 too, but not about a collection.
    if status in (404, grpc.StatusCode.NOT_FOUND) and collection and "ollection" in text:
        return CollectionMissing(collection)
    if status in (409, grpc.StatusCode.ALREADY_EXISTS) and collection:
        return CollectionExists(collection)
    if status in _UNAVAILABLE or (isinstance(status, int) and (status >= 500 or status == 404)):
        return _unavailable(address, f"{status} {text}")
    return StoreError(f"the Qdrant server at {address} rejects the request ({status}): {text}")


def _unavailable(address: str, reason: str) -> StoreUnavailable:
    if "CERTIFICATE_VERIFY_FAILED" in reason:
        return StoreUnavailable(
            f"the certificate of the Qdrant server at {address} is not trusted ({reason}); set "
            "QDRANT_CA to the certificate file of the authority that issued it"
        )
    return StoreUnavailable(
        f"no answer from the Qdrant server at {address} ({reason}); "
        "check that it runs and that QDRANT_URL is its address"
    )
