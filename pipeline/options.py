"""The fields of a model as options of a command: declared once, read by whoever asks or is asked.

A field's option is its name with dashes, unless `json_schema_extra` names another one; None: it is
no option. Fields of a model within the model are options as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

OPTION = "option"  # key of `json_schema_extra`
_SWITCH = ("yes", "no")  # values of a field that may be left open, too


@dataclass(frozen=True)
class Option:
    """One option.

    Attributes:
        path: names of the fields that lead to its value.
        name: name with its dashes.
        field: type, default and description.
    """

    path: tuple[str, ...]
    name: str
    field: FieldInfo

    @property
    def is_switch(self) -> bool:
        """Whether it is on, off, or left open."""
        return set(get_args(self.field.annotation)) == {"", *_SWITCH}

    @property
    def switches(self) -> tuple[str, str]:
        """The words that turn it on and off."""
        return self.name, self.name.replace("--", "--no-", 1)

    def words(self, value: object) -> list[str]:
        """How a command says that it has this value; nothing where it is the default."""
        if value == self.field.get_default(call_default_factory=True):
            return []
        if self.is_switch:
            return [self.switches[_SWITCH.index(str(value))]]
        if value is True:
            return [self.name]
        values = value if isinstance(value, tuple) else (value,)
        return [word for item in values for word in (self.name, str(item))]


def options(model: type[BaseModel], path: tuple[str, ...] = ()) -> Iterator[Option]:
    """All options of a model, in the order of its fields."""
    for name, field in model.model_fields.items():
        extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
        option = extra.get(OPTION, f"--{name.replace('_', '-')}")
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from options(field.annotation, (*path, name))
        elif option is not None:
            yield Option((*path, name), str(option), field)


def nested(values: dict[tuple[str, ...], Any]) -> dict[str, Any]:
    """Values by their paths as the fields of a model."""
    tree: dict[str, Any] = {}
    for (*folders, name), value in values.items():
        place = tree
        for folder in folders:
            place = place.setdefault(folder, {})
        place[name] = value
    return tree
