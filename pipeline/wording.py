"""Errors in a sentence."""

from __future__ import annotations

from pydantic import ValidationError


def sentence(error: Exception) -> str:
    """The message of an error, with the fields of a validation error on one line."""
    if not isinstance(error, ValidationError):
        return str(error)
    parts = []
    for detail in error.errors():
        where = ".".join(str(part) for part in detail["loc"])
        parts.append(f"{where}: {detail['msg']}" if where else str(detail["msg"]))
    return "; ".join(part.removeprefix("Value error, ") for part in parts)
