"""Images on the Codes page, each of which opens the drawer."""

from __future__ import annotations

from dashboard import state
from dashboard.services.queries import dataset_ref
from dashboard.services.thumbs import thumb_url
from dashboard.widgets import gallery
from dashboard.widgets.drawer import show_drawer
from pipeline.analysis.opened_run import OpenRun

_TILE_PX = 96


def show_images(
    opened: OpenRun, rows: list[int], key: str, facts: dict[int, str] | None = None
) -> None:
    """A gallery whose images open the drawer."""
    tiles = tuple(
        gallery.Tile(
            str(row),
            thumb_url(opened.dataset.info.name, opened.text("sha256", row)),
            opened.text("text", row) or opened.text("image_id", row),
            opened.text("text", row) or ", ".join(opened.label_names(row)),
            (facts or {}).get(row, ""),
        )
        for row in rows
    )
    picked = gallery.show_gallery(
        [gallery.TileGroup(tiles)],
        key=key,
        label="Images",
        tile_px=_TILE_PX,
        on_search=lambda row: state.choose_query(dataset_ref(int(row))),
    )
    if picked:
        show_drawer(int(picked), opened.dataset, gallery_key=key, opened=opened)
