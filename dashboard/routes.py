"""HTTP routes beside the pages: thumbnails that browsers may keep forever, uploads, REST, health.

An uploaded archive streams to disk, so that memory does not depend on its size.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from dashboard.access import is_forged, refusal
from dashboard.services.thumbs import LARGE, SMALL, Thumbnails
from dashboard.services.uploads import room, safe_name, uploaded
from pipeline.files import RESERVE_BYTES
from pipeline.index.store.base import CodeStore
from pipeline.serving.routes import api_routes
from pipeline.serving.service import Service
from pipeline.settings import Settings
from pipeline.watch.routes import watch_routes

_FOREVER = {
    "Cache-Control": "public, max-age=31536000, immutable",  # the content's hash is in the URL
    "X-Content-Type-Options": "nosniff",
}


def routes(settings: Settings) -> list[BaseRoute]:
    """All routes of the dashboard.

    Args:
        settings: say where the library is.
    """
    thumbnails = Thumbnails(settings)

    def refuse(request: Request) -> Response | None:
        return refusal(request.headers, "viewer", settings)

    def thumbnail(request: Request) -> Response:  # not async: Starlette gives it a thread
        if (refused := refuse(request)) is not None:
            return refused
        size = LARGE if request.query_params.get("size") == "large" else SMALL
        content = thumbnails.get(request.path_params["dataset"], request.path_params["sha"], size)
        if content is None:
            return PlainTextResponse("no such image", status_code=404)
        return Response(content, media_type="image/webp", headers=_FOREVER)

    return [
        Route("/thumbs/{dataset}/{sha}.webp", thumbnail),
        api_routes(Service(settings, _store), refuse, _encoding_wait_s),
        _upload_route(settings),
        *watch_routes(settings, _store, refuse, needs_worker=True),
    ]


def _store() -> CodeStore:
    """The store that the pages share; Streamlit's caches complain when imported before it runs."""
    from dashboard.cached import library

    return library.store()


def _encoding_wait_s(request: Request) -> float:
    """Count an image or text that a program has encoded, with those of the pages."""
    from dashboard.cached import networks

    return networks.encoding_limit().wait_s(request.client.host if request.client else "")


def _upload_route(settings: Settings) -> Route:
    """PUT /api/import/<token>/<name>: one file for each token that the Import page gave out."""
    writing: set[str] = set()  # tokens whose file is on its way

    async def take(request: Request) -> Response:
        if (refused := refusal(request.headers, "operator", settings)) is not None:
            return refused
        if is_forged(request.headers):
            return PlainTextResponse("the request does not come from the Import page", 403)
        token = request.path_params["token"]
        folder = room(token, settings)
        if folder is None:
            return PlainTextResponse("no such upload: its place was deleted after a day", 404)
        if uploaded(token, settings) is not None:
            return PlainTextResponse("this upload is already complete", 409)
        if token in writing:
            return PlainTextResponse("this upload is on its way already", 409)
        writing.add(token)
        try:
            return await _stored(request, folder, settings)
        finally:
            writing.discard(token)

    return Route("/api/import/{token}/{name}", take, methods=["PUT"])


async def _stored(request: Request, folder: Path, settings: Settings) -> Response:
    """Write the one file of an upload, whole or not at all."""
    limit = _limit(folder, settings)
    if int(request.headers.get("content-length", 0)) > limit:
        return PlainTextResponse(f"larger than the limit of {limit / 1e9:.1f} GB", 413)
    name = safe_name(request.path_params["name"])
    part = folder / f"{name}.part"
    try:
        if not await _stream(request, part, limit):
            return PlainTextResponse(f"larger than {limit / 1e9:.1f} GB, or interrupted", 413)
        part.rename(folder / name)
    except OSError as error:
        return PlainTextResponse(f"the upload cannot be stored: {error.strerror}", 507)
    finally:
        part.unlink(missing_ok=True)
    return PlainTextResponse("stored")


def _limit(folder: Path, settings: Settings) -> int:
    """Bytes that an upload may have: the operator's limit, and what the disk has room for."""
    room_bytes = shutil.disk_usage(folder).free - RESERVE_BYTES
    return max(0, min(int(settings.upload_limit_gb * 1e9), room_bytes))


async def _stream(request: Request, part: Path, limit: int) -> bool:
    """Write the body as it comes; False when it is too long or the client has gone."""
    n_bytes = 0
    with part.open("wb") as file:
        try:
            async for chunk in request.stream():
                n_bytes += len(chunk)
                if n_bytes > limit:
                    return False
                await run_in_threadpool(file.write, chunk)
        except ClientDisconnect:
            return False
    return True
