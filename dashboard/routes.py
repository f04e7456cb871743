"""HTTP routes beside the pages: thumbnails that browsers may keep forever, health, uploads.

An uploaded archive streams to disk, so that memory does not depend on its size.
"""

from __future__ import annotations

import shutil
from importlib.metadata import version
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from dashboard.cached import library
from dashboard.services.thumbs import LARGE, SMALL, Thumbnails
from dashboard.services.uploads import room, safe_name, uploaded
from pipeline.files import RESERVE_BYTES
from pipeline.serving.app import key_check
from pipeline.serving.routes import api_routes
from pipeline.serving.service import Service
from pipeline.settings import Settings

_FOREVER = {
    "Cache-Control": "public, max-age=31536000, immutable",  # the content's hash is in the URL
    "X-Content-Type-Options": "nosniff",
}


def routes(settings: Settings) -> list[Route]:
    """All routes of the dashboard.

    Args:
        settings: say where the library is.
    """
    thumbnails = Thumbnails(settings)

    def thumbnail(request: Request) -> Response:  # not async: Starlette gives it a thread
        size = LARGE if request.query_params.get("size") == "large" else SMALL
        content = thumbnails.get(request.path_params["dataset"], request.path_params["sha"], size)
        if content is None:
            return PlainTextResponse("no such image", status_code=404)
        return Response(content, media_type="image/webp", headers=_FOREVER)

    def health(_: Request) -> JSONResponse:
        return JSONResponse({"status": "ok", "streamlit": version("streamlit")})

    return [
        Route("/thumbs/{dataset}/{sha}.webp", thumbnail),
        Route("/healthz", health),
        *api_routes(Service(settings, library.store), key_check(settings.keys)),
        _upload_route(settings),
    ]


def _upload_route(settings: Settings) -> Route:
    """PUT /api/import/<token>/<name>: one file for each token that the Import page gave out."""

    async def take(request: Request) -> PlainTextResponse:
        token = request.path_params["token"]
        folder = room(token, settings)
        if folder is None:
            return PlainTextResponse("no such upload: its place was deleted after a day", 404)
        if uploaded(token, settings) is not None:
            return PlainTextResponse("this upload is already complete", 409)
        limit = _limit(folder, settings)
        if int(request.headers.get("content-length", 0)) > limit:
            return PlainTextResponse(f"larger than the limit of {limit / 1e9:.1f} GB", 413)
        name = safe_name(request.path_params["name"])
        part = folder / f"{name}.part"
        if not await _stream(request, part, limit):
            part.unlink(missing_ok=True)
            return PlainTextResponse(f"larger than {limit / 1e9:.1f} GB, or interrupted", 413)
        part.rename(folder / name)
        return PlainTextResponse("stored")

    return Route("/api/import/{token}/{name}", take, methods=["PUT"])


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
