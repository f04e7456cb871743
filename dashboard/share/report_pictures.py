"""The pictures of an entry: a query with its first results, or images with captions."""

from __future__ import annotations

import streamlit as st

from dashboard.services.report_basket import Item, Picture
from dashboard.services.thumbs import thumb_url
from pipeline.wording import escape_html

_MARKS = {"yes": " ✓", "no": " ✗", "unknown": " ?", "": ""}
_ROW = "display:flex;flex-wrap:wrap;gap:.35rem;align-items:flex-start;margin:.15rem 0 .35rem"
_IMAGE = "width:100%;aspect-ratio:1;object-fit:contain;background:#fff;border-radius:.3rem"


def show_pictures(dataset: str, item: Item) -> None:
    """Small pictures in rows, one per run; nothing for an entry without pictures."""
    rows = [_row(dataset, item.pictures, "")] if item.pictures else []
    for strip in item.strips:
        query = _figure(dataset, item.query, 4.2, "query") if item.query else ""
        rows.append(_row(dataset, strip.pictures, query, strip.run, strip.bits))
    if rows:
        st.html("".join(rows))


def _row(
    dataset: str, pictures: tuple[Picture, ...], query: str, run: str = "", bits: int = 0
) -> str:
    heading = f"<div style='font-size:.8125rem;opacity:.8'>{escape_html(run)}</div>" if run else ""
    figures = "".join(_figure(dataset, one, 3.4, _fact(one, bits)) for one in pictures)
    return f"{heading}<div style='{_ROW}'>{query}{figures}</div>"


def _fact(picture: Picture, bits: int) -> str:
    distance = "" if picture.distance is None else f"{picture.distance}/{bits}"
    return f"{distance}{_MARKS[picture.mark]}"


def _figure(dataset: str, picture: Picture, rem: float, fact: str) -> str:
    source = picture.source or thumb_url(dataset, picture.sha256)
    caption = escape_html(picture.caption)
    return (
        f"<figure style='margin:0;width:{rem}rem;font-size:.75rem;text-align:center' "
        f"title='{caption}'><img src='{source}' alt='{caption}' loading='lazy' style='{_IMAGE}'>"
        f"<figcaption>{escape_html(fact)}</figcaption></figure>"
    )
