"""Hash codes as strips of cells, and two codes above each other with their differences marked."""

from __future__ import annotations

_ROW = 32  # bits a line
_DIFFERS = "border-top:5px solid #d55e00;height:0"
_UNSURE = "border-top:5px solid #56b4e9;height:0"


def one_code(bits: str) -> str:
    """A code as HTML: dark cells are 1, light cells are 0.

    Args:
        bits: text of 0 and 1.
    """
    lines = "".join(_line(_cells(part)) for part in _parts(bits))
    ones = bits.count("1")
    return _figure(lines, f"Code of {len(bits)} bits, {ones} of them 1")


def two_codes(query: str, result: str, unsure: str = "", *, name: str = "result") -> str:
    """Two codes as HTML, with a mark under every bit that differs.

    Args:
        query: text of 0 and 1.
        result: the same of the other code.
        unsure: 1 where the query's bit was nearly the other one; empty: not known.
        name: of the other code.

    Raises:
        ValueError: the codes have different lengths.
    """
    differs = differences(query, result)
    lines = "".join(
        f"<div style='margin-bottom:.5rem'>{_line(_cells(q), 'query')}"
        f"{_line(_cells(r), name)}{_line(_marks(d), 'differ') if '1' in d else ''}"
        f"{_line(_marks(u, _UNSURE), 'unsure') if '1' in u else ''}</div>"
        for q, r, d, u in zip(
            _parts(query),
            _parts(result),
            _parts(differs),
            _parts(unsure or "0" * len(query)),
            strict=True,
        )
    )
    places = [str(place) for place, bit in enumerate(differs, 1) if bit == "1"]
    summary = f"{len(places)} of {len(query)} bits differ"
    if places:
        summary += ": bits " + ", ".join(places)
    if "1" in unsure:
        summary += "; unsure in the query: bits " + ", ".join(
            str(place) for place, bit in enumerate(unsure, 1) if bit == "1"
        )
    return _figure(lines, summary)


def differences(query: str, result: str) -> str:
    """A text with 1 for every bit in which two codes of one length differ."""
    return "".join("01"[a != b] for a, b in zip(query, result, strict=True))


def _parts(bits: str) -> list[str]:
    return [bits[start : start + _ROW] for start in range(0, len(bits), _ROW)]


def _figure(lines: str, summary: str) -> str:
    return f"<div role='img' aria-label='{summary}'>{lines}</div>"


def _line(cells: str, name: str = "") -> str:
    label = (
        f"<span style='flex:0 0 3.5rem;font-size:.75rem;opacity:.75'>{name}</span>" if name else ""
    )
    return (
        "<div aria-hidden='true' style='display:flex;align-items:center;gap:2px;margin-bottom:3px'>"
        f"{label}{cells}</div>"
    )


def _cells(bits: str) -> str:
    filled = "background:currentColor;opacity:.78"
    empty = "box-shadow:inset 0 0 0 1px currentColor;opacity:.4"
    return _spread("".join(_cell(filled if bit == "1" else empty) for bit in bits), len(bits))


def _marks(differs: str, mark: str = _DIFFERS) -> str:
    return _spread(
        "".join(_cell(mark if bit == "1" else "height:5px") for bit in differs), len(differs)
    )


def _cell(style: str) -> str:
    return f"<i style='flex:1 1 0;max-width:.7rem;height:.9rem;border-radius:1px;{style}'></i>"


def _spread(cells: str, n_cells: int) -> str:
    """Cells of a short last line as wide as those of the lines above."""
    rest = _ROW - n_cells
    return cells + "<i style='flex:1 1 0;max-width:.7rem'></i>" * max(rest, 0)
