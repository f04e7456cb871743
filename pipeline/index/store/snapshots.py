"""Snapshots of collections: a Qdrant server makes them, the embedded engine cannot."""

from __future__ import annotations

import hashlib
from pathlib import Path
from urllib.parse import quote

import httpx

from pipeline.index.store.base import StoreError, StoreUnavailable
from pipeline.index.store.opening import store_of
from pipeline.index.store.qdrant_errors import CLIENT_ERRORS, address_of, translated
from pipeline.settings import Settings


def save_snapshot(collection: str, target: Path, settings: Settings) -> None:
    """Let the server make a snapshot of a collection, take it from there, and delete it there.

    Args:
        collection: or its alias.
        target: file to write; replaced if it is there, whole or not at all.
        settings: name the server.

    Raises:
        StoreError: there is no server, it refuses or does not answer, or what came is not whole.
        OSError: the target cannot be written.
    """
    if settings.qdrant_url is None:
        raise StoreError(
            "the embedded index makes no snapshots; set QDRANT_URL to a Qdrant server that holds "
            "the index, or export to a .npy or .faiss file"
        )
    client, address = (
        store_of(settings, check_compatibility=False).client,
        address_of(settings.qdrant_url),
    )
    try:
        made = client.create_snapshot(collection, wait=True)  # type: ignore[union-attr]  # a server
    except CLIENT_ERRORS as error:
        raise translated(error, address, collection) from error
    if made is None:
        raise StoreError(f"{address} made no snapshot of {collection}")
    partial = target.with_name(f".{target.name}.part")
    try:
        digest = _download(
            f"collections/{quote(collection)}/snapshots/{made.name}", partial, settings
        )
        if made.checksum and digest != made.checksum:
            raise StoreError(f"the snapshot of {collection} did not come whole; try again")
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
        client.delete_snapshot(collection, made.name)  # type: ignore[union-attr]


def _download(path: str, target: Path, settings: Settings) -> str:
    """Write what the server has there to a file; its SHA-256."""
    url = str(settings.qdrant_url).rstrip("/")
    headers = {"api-key": settings.qdrant_api_key} if settings.qdrant_api_key else {}
    verify = True if settings.qdrant_ca is None else str(settings.qdrant_ca)
    digest = hashlib.sha256()
    try:
        with (
            httpx.stream(
                "GET",
                f"{url}/{path}",
                headers=headers,
                verify=verify,
                timeout=settings.qdrant_timeout_s,
            ) as answer,
            target.open("wb") as file,
        ):
            answer.raise_for_status()
            for chunk in answer.iter_bytes():
                digest.update(chunk)
                file.write(chunk)
    except httpx.HTTPError as error:
        raise StoreUnavailable(f"{address_of(url)} gave no snapshot: {error}") from error
    return digest.hexdigest()
