"""The OpenAPI document, made from the messages."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from pipeline.serving import messages

_REF = "#/components/schemas/{model}"
_PATHS: dict[str, tuple[str, str, type[BaseModel] | None, type[BaseModel]]] = {
    "datasets": ("get", "All data sets.", None, messages.Datasets),
    "runs": ("get", "All runs, or those on `?dataset=`.", None, messages.Runs),
    "encode": ("post", "The code of a query.", messages.Query, messages.Encoded),
    "search": ("post", "The nearest images of a query.", messages.Search, messages.Found),
}
_ERRORS = {
    "401": "No key, or one that is not known.",
    "403": "The key's role is too low.",
    "404": "No such run or image.",
    "409": "The run cannot answer: its data set changed, or nothing here encodes the query.",
    "413": "The request is too large.",
    "422": "The request does not say what is wanted; `field` says where.",
    "429": "Too many encodings by this client; try again.",
    "500": "A fault of HashLens; the server's log has more.",
    "503": "Busy, or the index does not answer; try again.",
}


def openapi(prefix: str) -> dict[str, Any]:
    """The document in the form of OpenAPI 3.1.

    Args:
        prefix: of all paths, such as `/api/v1`.
    """
    models: list[type[BaseModel]] = [messages.Problem]
    for _, _, asked, answered in _PATHS.values():
        models += [answered] if asked is None else [asked, answered]
    _, schemas = models_json_schema([(model, "validation") for model in models], ref_template=_REF)
    return {
        "openapi": "3.1.0",
        "info": {"title": "HashLens", "version": "1"},
        "security": [{"bearer": []}, {"key": []}],
        "paths": {f"{prefix}/{name}": _path(name) for name in _PATHS},
        "components": {
            "schemas": schemas["$defs"],
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
            },
        },
    }


def _path(name: str) -> dict[str, Any]:
    method, summary, asked, answered = _PATHS[name]
    operation: dict[str, Any] = {
        "summary": summary,
        "operationId": name,
        "responses": {
            "200": {"description": "The answer.", "content": _json(answered)},
            **{
                status: {"description": text, "content": _json(messages.Problem)}
                for status, text in _ERRORS.items()
            },
        },
    }
    if asked is not None:
        image = {"schema": {"type": "string", "format": "binary"}}
        content = {**_json(asked), "image/*": image}
        operation["requestBody"] = {
            "required": True,
            "description": "JSON; or the bytes of an image, with the other fields in the address.",
            "content": content,
        }
    if name == "runs":
        operation["parameters"] = [{"name": "dataset", "in": "query", "schema": {"type": "string"}}]
    return {method: operation}


def _json(model: type[BaseModel]) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": _REF.format(model=model.__name__)}}}
