"""Settings as widgets, drawn from their own description: type, range, default, sentence."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from pipeline.catalog import ConfigField


def show_fields(
    fields: Sequence[ConfigField], *, key: str, start: Mapping[str, Any]
) -> dict[str, Any]:
    """Draw a widget for each setting, side by side; returns their values.

    The limits of widgets are a help only: the pipeline checks the values again.

    Args:
        fields: the settings.
        key: prefix of the widgets' keys.
        start: values to begin with instead of the defaults.
    """
    columns = st.columns(3)
    return {
        field.name: _widget(columns[place % 3], field, f"{key}_{field.name}", start)
        for place, field in enumerate(fields)
    }


def _widget(place: Any, field: ConfigField, key: str, start: Mapping[str, Any]) -> Any:
    label = field.name.replace("_", " ").capitalize()
    text = f"{field.description} Default: {field.default}."
    if field.bounds:
        text += f" Range: {field.bounds}."
    value = start.get(field.name, field.default)
    if field.type == "boolean":
        return place.toggle(label, value, key=key, help=text)
    if field.choices:
        index = field.choices.index(str(value))
        return place.selectbox(label, field.choices, index, key=key, help=text)
    if field.type == "integer":
        low, high = (None if edge is None else int(edge) for edge in (field.low, field.high))
        return place.number_input(label, low, high, int(value), key=key, help=text)
    return place.number_input(
        label,
        None if field.low is None else float(field.low),
        None if field.high is None else float(field.high),
        float(value),
        step=_step(float(value)),
        format="%g",
        key=key,
        help=text,
    )


def _step(value: float) -> float:
    """A tenth of the leading digit's place: 0.0001 for 0.001, 0.01 for 0.5."""
    return float(10.0 ** (math.floor(math.log10(abs(value))) - 1)) if value else 0.01
