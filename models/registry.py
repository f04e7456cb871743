"""Find hash methods by file name: models/methods/<name>.py ends with `METHOD = Class`."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import TYPE_CHECKING

import models.methods
from models.wording import unknown

if TYPE_CHECKING:  # torch comes with it: names alone do not need that
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
