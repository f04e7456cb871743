"""Charts as files: SVG and PNG without a browser or a network, and the specification itself."""

from __future__ import annotations

import json
import logging
from typing import Any

from altair.typing import ChartType

_SCALE = 2  # PNG pixels a unit, for print
_log = logging.getLogger(__name__)
_PAPER = {
    "background": "#ffffff",
    "axis": {"labelFontSize": 12, "titleFontSize": 12, "labelColor": "#1b2530"},
    "legend": {"labelFontSize": 12},
    "view": {"stroke": "#d5dde5"},
}


class RenderError(ValueError):
    """A chart cannot be drawn; the message says why. Its table still holds."""


def specification(chart: ChartType, width: int = 640) -> dict[str, Any]:
    """The Vega-Lite specification with its data, on white paper and with a width of its own."""
    spec: dict[str, Any] = chart.to_dict()
    if not {"facet", "hconcat", "vconcat", "concat"} & set(spec):
        spec.setdefault("width", width)
    spec["config"] = spec.get("config", {}) | _PAPER
    return spec


def to_json(spec: dict[str, Any]) -> bytes:
    """The specification as a file."""
    return json.dumps(spec, indent=1, ensure_ascii=False).encode()


def to_svg(spec: dict[str, Any]) -> bytes:
    """A drawing that scales.

    Raises:
        RenderError: the specification cannot be drawn.
    """
    import vl_convert  # takes a second to load, and only a download needs it

    try:
        return vl_convert.vegalite_to_svg(spec).encode()
    except ValueError as error:
        _log.warning("a chart was not drawn: %s", error)
        raise RenderError(f"this chart cannot be drawn as SVG: {error}") from error


def to_png(spec: dict[str, Any]) -> bytes:
    """A picture for slides and documents.

    Raises:
        RenderError: the specification cannot be drawn.
    """
    import vl_convert

    try:
        return vl_convert.vegalite_to_png(spec, scale=_SCALE)
    except ValueError as error:
        _log.warning("a chart was not drawn: %s", error)
        raise RenderError(f"this chart cannot be drawn as PNG: {error}") from error
