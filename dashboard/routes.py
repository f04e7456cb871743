"""HTTP routes beside the pages: thumbnails that browsers may keep for ever, and a health check."""

from __future__ import annotations

from importlib.metadata import version

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from dashboard.services.thumbs import LARGE, SMALL, Thumbnails
from dashboard.upload_route import upload_route
from pipeline.settings import Settings

_FOR_EVER = {
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
        return Response(content, media_type="image/webp", headers=_FOR_EVER)

    def health(_: Request) -> JSONResponse:
        return JSONResponse({"status": "ok", "streamlit": version("streamlit")})

    return [
        Route("/thumbs/{dataset}/{sha}.webp", thumbnail),
        Route("/healthz", health),
        upload_route(settings),
    ]
