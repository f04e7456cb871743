"""The query of Compare as a small picture with its name."""

from __future__ import annotations

from dashboard.services.queries import Upload, Words, preview
from dashboard.services.thumbs import thumb_url
from pipeline.analysis.opened_run import OpenRun
from pipeline.wording import escape_html, telling_name


def query_html(row: int | None, image: Upload | Words | None, opened: OpenRun) -> str:
    """The query: an image of the data set, one of the user, or words."""
    if isinstance(image, Words):
        source, name, labels = image.picture(), image.text, "words"
    elif image is not None:
        source = preview(image, ranges=opened.dataset.info.value_ranges or ())
        name, labels = image.name, "your image"
    else:
        assert row is not None  # `query_panel.resolve` gives no other
        source = thumb_url(opened.dataset.info.name, opened.text("sha256", row))
        name = opened.text("text", row) or opened.text("image_id", row)
        labels = ", ".join(opened.label_names(row))
    return (
        f"<div style='display:flex;gap:.75rem;align-items:center'><img src='{source}' "
        f"alt='query: {escape_html(name)}' style='width:5rem;border-radius:.4rem;background:#fff'>"
        f"<span><b>{escape_html(telling_name(name))}</b><br>{escape_html(labels)}</span></div>"
    )
