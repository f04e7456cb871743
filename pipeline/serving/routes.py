"""HTTP routes of the service: /api/v1/..., with keys, limits and errors that programs understand.

A key goes into the header `Authorization: Bearer KEY` or `X-API-Key`. Errors are JSON, `Problem`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from models.errors import WeightsError
from pipeline.datasets.dataset import DatasetError
from pipeline.images import ImageError
from pipeline.index.store.base import StoreError
from pipeline.runs.results import RunError
from pipeline.serving.document import openapi
from pipeline.serving.messages import Problem, Query, Search
from pipeline.serving.service import Busy, Refused, Service
from pipeline.watch.routes import Refuse
from pipeline.wording import file_size

PREFIX = "/api/v1"
MOST_BYTES = 20_000_000  # of a request
_Asked = TypeVar("_Asked", bound=Query)
_Handler = Callable[[Request], Awaitable[Response]]


def no_wait(_request: Request) -> float:
    """Encode as much as is asked for."""
    return 0.0


def api_routes(
    service: Service, refuse: Refuse, encoding_wait_s: Callable[[Request], float] = no_wait
) -> Mount:
    """All routes of the service; what leads to none of them, or fails, is answered in JSON too.

    Args:
        service: that answers.
        refuse: the check of keys; it comes before anything else is read.
        encoding_wait_s: counts an image or text that is to be encoded; seconds that its sender has
            to wait, 0 where it may be.
    """

    async def asked(request: Request, kind: type[_Asked]) -> _Asked:
        query = await _read(request, kind)
        is_encoded = query.image is not None or query.text is not None
        if is_encoded and (wait := encoding_wait_s(request)) > 0:
            raise _TooManyError(wait)
        return query

    async def datasets(_: Request) -> Response:
        return _answer(await run_in_threadpool(service.datasets))

    async def runs(request: Request) -> Response:
        dataset = request.query_params.get("dataset", "")
        return _answer(await run_in_threadpool(service.runs, dataset))

    async def encode(request: Request) -> Response:
        return _answer(await run_in_threadpool(service.encode, await asked(request, Query)))

    async def search(request: Request) -> Response:
        return _answer(await run_in_threadpool(service.search, await asked(request, Search)))

    async def document(_: Request) -> Response:
        return JSONResponse(openapi(PREFIX))

    handlers: list[tuple[str, _Handler, str]] = [
        ("datasets", datasets, "GET"),
        ("runs", runs, "GET"),
        ("encode", encode, "POST"),
        ("search", search, "POST"),
        ("openapi.json", document, "GET"),
    ]
    routes = [
        Route(f"/{name}", _guarded(handler, refuse), methods=[method])
        for name, handler, method in handlers
    ]
    return Mount(PREFIX, Starlette(routes=routes, exception_handlers=FAULTS))


def problem(status: int, code: str, text: str, field: str = "") -> JSONResponse:
    """An error as JSON."""
    headers = {"Retry-After": "2"} if status == 503 else None
    body = Problem(error=text, code=code, field=field).model_dump()
    return JSONResponse(body, status, headers)


async def _no_route(request: Request, error: Exception) -> Response:
    """The answer to an unknown path or method."""
    assert isinstance(error, HTTPException)
    if error.status_code == 405:
        ways = (error.headers or {}).get("Allow", "another method")
        answer = problem(405, "method_not_allowed", f"send {ways}; got {request.method}")
    else:
        answer = problem(
            404, "not_found", f"no route {request.url.path}; see {PREFIX}/openapi.json"
        )
    answer.headers.update(error.headers or {})
    return answer


async def _fault(_: Request, error: Exception) -> Response:
    """The answer to what should not happen; the server's log has the traceback."""
    return problem(
        500, "fault", f"a fault of HashLens ({type(error).__name__}); see the server's log"
    )


FAULTS = {HTTPException: _no_route, Exception: _fault}  # what answers where no handler does


def _guarded(handler: _Handler, refuse: Refuse) -> _Handler:
    """The handler for those who may ask, with what it raises as an answer."""

    async def answer(request: Request) -> Response:
        if (refusal := refuse(request)) is not None:
            return refusal
        try:
            return await handler(request)
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(str(part) for part in first["loc"])
            return problem(422, "bad_request", f"{field}: {first['msg']}".lstrip(": "), field)
        except Refused as error:
            status = 404 if error.field in ("run", "id") else 422
            code = "not_found" if status == 404 else "bad_request"
            return problem(status, code, str(error), error.field)
        except _TooManyError as error:
            refused = problem(429, "too_many", f"try again in {error.wait_s:.0f} s")
            refused.headers["Retry-After"] = f"{error.wait_s:.0f}"
            return refused
        except _TooLargeError as error:
            return problem(413, "too_large", str(error))
        except ImageError as error:
            return problem(422, "bad_request", str(error), "image")
        except Busy as error:
            return problem(503, "busy", str(error))
        except (WeightsError, RunError, DatasetError) as error:
            return problem(409, "cannot_answer", str(error))
        except StoreError as error:
            return problem(503, "unavailable", str(error))
        except ValueError as error:
            return problem(422, "bad_request", str(error))

    return answer


class _TooManyError(Exception):
    """More than one client may have encoded; so many seconds are to be waited for."""

    def __init__(self, wait_s: float) -> None:
        super().__init__(wait_s)
        self.wait_s = wait_s


class _TooLargeError(Exception):
    """More than a request may have."""


async def _read(request: Request, kind: type[_Asked]) -> _Asked:
    """The request's body: JSON, or the bytes of an image with the rest in the address."""
    content = await _body(request)
    sent = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if sent.startswith("image/") or sent == "application/octet-stream":
        more: dict[str, object] = dict(request.query_params)
        if labels := request.query_params.getlist("labels"):
            more["labels"] = labels
        return kind.model_validate({**more, "image": content})
    if sent != "application/json":
        raise Refused(
            f"send application/json, or an image as image/*; got {sent or 'no content type'}"
        )
    return kind.model_validate_json(content)


async def _body(request: Request) -> bytes:
    limit = f"a request may have {file_size(MOST_BYTES)}"
    declared = request.headers.get("content-length", "0")
    if declared.isdigit() and int(declared) > MOST_BYTES:
        raise _TooLargeError(limit)
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > MOST_BYTES:
            raise _TooLargeError(limit)
    return bytes(content)


def _answer(message: BaseModel) -> Response:
    return Response(message.model_dump_json(), media_type="application/json")
