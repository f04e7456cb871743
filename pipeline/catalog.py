"""What can be chosen: methods, backbones, protocols and sources, for command line and dashboard."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pydantic import BaseModel

from models.backbones.base import Backbone
from models.backbones.registry import list_networks
from models.deep import DeepConfig, DeepHashMethod
from models.finetuning_config import FineTuning
from models.method import HashMethod, MethodCard
from models.registry import get_method, list_methods
from pipeline.backbones import load_backbone
from pipeline.datasets.protocols import PROTOCOLS, Protocol
from pipeline.ingest.sources import list_sources

__all__ = [
    "Backbone",
    "ConfigField",
    "HashMethod",
    "config_fields",
    "finetuning_fields",
    "list_networks",
    "list_sources",
    "load_backbone",
    "method_card",
    "method_cards",
    "protocols",
    "zoo_details",
    "zoo_summary",
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
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()


def method_cards() -> list[MethodCard]:
    """The cards of all methods, by name."""
    return [get_method(name).card for name in list_methods()]


def method_card(name: str) -> MethodCard:
    """The card of one method, without loading the others.

    Raises:
        ValueError: no such method.
    """
    return get_method(name).card


def protocols() -> list[Protocol]:
    """All protocols."""
    return list(PROTOCOLS.values())


def config_fields(method: str) -> list[ConfigField]:
    """The hyper-parameters of a method, from its config class.

    Raises:
        ValueError: no such method.
    """
    return list(_fields(get_method(method).Config))


def finetuning_fields() -> list[ConfigField]:
    """The settings of a backbone that learns."""
    return list(_fields(FineTuning))


@lru_cache  # making the schema takes a millisecond, and a leaderboard asks for each row
def _fields(config: type[BaseModel]) -> tuple[ConfigField, ...]:
    properties = config.model_json_schema().get("properties", {})
    return tuple(
        ConfigField(
            name=name,
            type=str(schema.get("type", "choice")),
            default=schema.get("default"),
            bounds=_bounds(schema),
            description=str(schema.get("description", "")),
            low=schema.get("minimum", schema.get("exclusiveMinimum")),
            high=schema.get("maximum", schema.get("exclusiveMaximum")),
            choices=tuple(map(str, schema.get("enum", ()))),
        )
        for name, schema in properties.items()
    )


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


def zoo_summary() -> str:
    """The names of all methods by supervision, a line for each kind, for README.md."""
    kinds = sorted({card.supervision for card in method_cards()})
    lines = (
        f"- {kind}: {', '.join(c.title for c in method_cards() if c.supervision == kind)}"
        for kind in kinds
    )
    return "\n".join(lines)


def zoo_details() -> str:
    """All that is known about every method, in Markdown (docs/methods.md)."""
    shared = _fields(DeepConfig)
    parts = [
        "## Settings that all deep methods share",
        _settings(shared),
        "A method with other defaults lists them among its own settings.",
    ]
    for card in method_cards():
        fields = config_fields(card.name)
        if issubclass(get_method(card.name), DeepHashMethod):
            fields = [field for field in fields if field not in shared]
        parts += _details(card, fields)
    return "\n\n".join(parts)


def _details(card: MethodCard, fields: list[ConfigField]) -> list[str]:
    """One method: facts, deviations, its own settings, published figures."""
    published = f"{card.venue} {card.year}"
    linked = f"[{published}]({card.paper})" if card.paper else published
    facts = ("supervision", "labels", "views", "follows", "seed matters")
    values = (
        card.supervision,
        ", ".join(card.label_kinds),
        card.views,
        card.fidelity,
        "yes" if card.is_seeded else "no",
    )
    parts = [
        f"## {card.title} (`{card.name}`)",
        f"{card.summary} {card.authors}, {linked}.",
        _markdown(facts, [values]),
    ]
    if card.deviations:
        parts.append("Differs from its source:")
        parts.append("\n".join(f"- {deviation}" for deviation in card.deviations))
    if fields:
        parts.append(_settings(fields))
    if card.reported:
        names = ("published on", "bits", "measure", "value", "source", "read in")
        figures = [
            (r.dataset, r.bits, r.metric, f"{r.value:g}", r.source, r.provenance)
            for r in card.reported
        ]
        parts.append(_markdown(names, figures))
    return parts


def _settings(fields: Sequence[ConfigField]) -> str:
    rows = [(f"`{f.name}`", f.default, f.bounds, f.description) for f in fields]
    return _markdown(("setting", "default", "range", "meaning"), rows)


def _markdown(names: tuple[str, ...], rows: Sequence[tuple[object, ...]]) -> str:
    """A Markdown table."""
    lines = [names, tuple("---" for _ in names), *rows]
    return "\n".join(
        f"| {' | '.join(str(cell).replace('|', chr(92) + '|') for cell in line)} |"
        for line in lines
    )
