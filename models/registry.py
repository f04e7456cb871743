"""Find hash methods by file name: models/methods/<name>.py ends with `METHOD = Class`."""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from functools import cache

import models.methods
from models.method import HashMethod


@cache
def list_methods() -> tuple[str, ...]:
    """Names of all methods, sorted."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(models.methods.__path__)))


def get_method(name: str) -> type[HashMethod]:
    """The class of the method called `name`.

    Raises:
        ValueError: no such method; the message offers the nearest name.
    """
    if name not in list_methods():
        raise ValueError(unknown("hash method", name, list_methods()))
    method: type[HashMethod] = importlib.import_module(f"models.methods.{name}").METHOD
    return method


def unknown(kind: str, name: str, known: tuple[str, ...]) -> str:
    """The sentence for an unknown name, with the nearest known one.

    Example:
        >>> unknown("hash method", "ittq", ("itq", "lsh"))
        "unknown hash method 'ittq'. Did you mean 'itq'?"
    """
    nearest = difflib.get_close_matches(name, known, n=1)
    hint = f"Did you mean {nearest[0]!r}?" if nearest else f"Known: {', '.join(known) or 'none'}."
    return f"unknown {kind} {name!r}. {hint}"
