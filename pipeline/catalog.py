"""What can be chosen: methods, backbones, protocols and sources, for command line and dashboard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from models.backbones import list_backbones, load_backbone
from models.method import MethodCard, MethodConfig
from models.registry import get_method, list_methods
from pipeline.datasets.sources import list_sources
from pipeline.protocols import PROTOCOLS, Protocol

__all__ = [
    "ConfigField",
    "config_fields",
    "list_backbones",
    "list_sources",
    "load_backbone",
    "method_cards",
    "protocols",
    "zoo_table",
]


@dataclass(frozen=True)
class ConfigField:
    """One hyper-parameter, as forms and help texts show it."""

    name: str
    type: str
    default: Any
    bounds: str
    description: str


def method_cards() -> list[MethodCard]:
    """The cards of all methods, by name."""
    return [get_method(name).card for name in list_methods()]


def protocols() -> list[Protocol]:
    """All protocols."""
    return list(PROTOCOLS.values())


def config_fields(method: str) -> list[ConfigField]:
    """The hyper-parameters of a method, from its config class.

    Raises:
        ValueError: no such method.
    """
    config: type[MethodConfig] = get_method(method).Config
    properties = config.model_json_schema().get("properties", {})
    return [
        ConfigField(
            name=name,
            type=str(schema.get("type", "choice")),
            default=schema.get("default"),
            bounds=_bounds(schema),
            description=str(schema.get("description", "")),
        )
        for name, schema in properties.items()
    ]


def _bounds(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return ", ".join(map(str, schema["enum"]))
    signs = (
        ("minimum", "≥"),
        ("exclusiveMinimum", ">"),
        ("maximum", "≤"),
        ("exclusiveMaximum", "<"),
    )
    return ", ".join(f"{sign} {schema[key]:g}" for key, sign in signs if key in schema)


def zoo_table() -> str:
    """All methods as a Markdown table, made from their cards."""
    rows = [
        "| method | published | supervision | follows | idea |",
        "| --- | --- | --- | --- | --- |",
    ]
    for card in method_cards():
        published = f"{card.venue} {card.year}"
        linked = f"[{published}]({card.paper})" if card.paper else published
        rows.append(
            f"| **{card.title}** (`{card.name}`) | {card.authors}, {linked} | {card.supervision} | "
            f"{card.fidelity} | {' '.join((card.summary, *card.deviations))} |"
        )
    return "\n".join(rows)
