"""Options of commands that are the fields of a model, and those that commands about runs share."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Annotated, Any, get_origin, get_type_hints

import typer
from pydantic import BaseModel

from pipeline.options import Option, nested, options


def takes_options(command: Callable[..., None]) -> Callable[..., None]:
    """Let a command take models: each of their fields becomes an option, with its help and default.

    Typer knows single values only. It sees the options instead of the models, and the command gets
    the models that they make.

    Args:
        command: command whose parameters that are models are expanded where they stand.
    """
    hints = get_type_hints(command, include_extras=True)
    models = {
        name: hint
        for name, hint in hints.items()
        if isinstance(hint, type) and issubclass(hint, BaseModel)
    }
    seen: list[inspect.Parameter] = []
    for name, parameter in inspect.signature(command).parameters.items():
        if name in models:
            seen += [_parameter(option) for option in options(models[name])]
        else:
            seen.append(parameter.replace(annotation=hints[name]))

    @wraps(command)
    def expanded(**values: Any) -> None:
        for name, model in models.items():
            chosen = {
                option.path: _value(option, values.pop(_name(option))) for option in options(model)
            }
            values[name] = model.model_validate(nested(chosen))
        command(**values)

    keyword = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in seen]
    expanded.__signature__ = inspect.Signature(keyword)  # type: ignore[attr-defined]
    expanded.__annotations__ = {parameter.name: parameter.annotation for parameter in keyword}
    del expanded.__wrapped__  # else Typer reads its annotations
    return expanded


def _parameter(option: Option) -> inspect.Parameter:
    """A field as Typer wants it."""
    field, text = option.field, option.field.description
    kind: Any = field.annotation
    default = inspect.Parameter.empty if field.is_required() else field.get_default()
    if field.is_required():
        return _of(option, Annotated[kind, typer.Argument(help=text)], default)
    words = option.name
    if option.is_switch:
        kind, default, words = bool | None, None, "/".join(option.switches)
    elif get_origin(kind) is tuple:
        kind, default = list[str] | None, None
    return _of(option, Annotated[kind, typer.Option(words, help=text)], default)


def _of(option: Option, annotation: Any, default: Any) -> inspect.Parameter:
    kind = inspect.Parameter.KEYWORD_ONLY
    return inspect.Parameter(_name(option), kind, default=default, annotation=annotation)


def _name(option: Option) -> str:
    return "_".join(option.path)


def _value(option: Option, value: Any) -> Any:
    """What the command line gave, as the field takes it."""
    if option.is_switch:
        return {None: "", True: "yes", False: "no"}[value]
    return tuple(value or ()) if get_origin(option.field.annotation) is tuple else value
