"""The query: six examples, an uploader, and a card of the image that is being searched with."""

from __future__ import annotations

from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard import cached, state
from dashboard.services.permalink import stored_query
from dashboard.services.queries import (
    EncodingError,
    Example,
    Upload,
    Words,
    dataset_ref,
    preview,
    random_query,
    row_of_ref,
)
from dashboard.services.search import QueryImage, bit_string
from dashboard.services.thumbs import thumb_url
from dashboard.widgets import bit_strip, gallery, notices
from pipeline.analysis.opened_run import OpenRun
from pipeline.images import SUFFIXES, ImageError, load_rgb
from pipeline.index.search import Query
from pipeline.index.search import stored_query as stored_code
from pipeline.index.text_query import MAX_CHARACTERS
from pipeline.wording import escape_html, telling_name

_EXAMPLES, _FILE, _PHOTO, _PROBLEM = "examples", "upload_file", "photo", "upload_problem"
_BOXES = "upload_boxes"  # how many upload boxes there have been
_MOST_MB = 20
_BOX_OF_WORDS = "query_words"
_ASSETS = Path(__file__).parents[1] / "assets"


def examples(shown: list[Example], current: str) -> None:
    """Queries from the data set to begin with; a click searches with one."""
    tiles = tuple(
        gallery.Tile(
            example.ref, example.thumb, f"search with example: {example.label}", example.label
        )
        for example in shown
    )
    gallery.show_gallery(
        [gallery.TileGroup(tiles)],
        key=_EXAMPLES,
        label="Example queries",
        tile_px=60,
        pressed=current,
        on_pick=_pick_example,
    )


def beside_results(
    opened: OpenRun, shown: list[Example], ref: str
) -> tuple[DeltaGenerator, DeltaGenerator]:
    """Draw where queries come from beside the results, on a phone below them.

    Args:
        opened: the run that is searched.
        shown: queries to begin with.
        ref: link name of the query in use.

    Returns:
        The places of the query's card and of the results.
    """
    st.html(_ASSETS / "search.css")
    with st.container(key="search"):
        left, right = st.columns([1, 3.4], gap="medium")
    with left:
        place = st.container(key="query_place")
        with st.container(key="query_sources"):
            word_box(opened)
            uploader()
            random_query_buttons(opened)
            examples(shown, ref)
    return place, right


def word_box(opened: OpenRun) -> None:
    """A box for words, where the backbone of the run has a text tower."""
    if not cached.networks.takes_words(opened.id):
        return
    words = Words.of_ref(state.query())
    st.session_state[_BOX_OF_WORDS] = words.text if words else ""
    st.text_input(
        "Words",
        key=_BOX_OF_WORDS,
        placeholder="a red car in the snow",
        max_chars=MAX_CHARACTERS,
        icon=":material/search:",
        on_change=_take_words,
        help="Finds images by what is in them, as far as the text tower of the backbone knows it. "
        "Most were trained on English.",
    )


def _take_words() -> None:
    text = " ".join(st.session_state[_BOX_OF_WORDS].split())
    state.choose_query(Words(text).ref if text else "")


def uploader() -> None:
    """Drop, browse or paste an image; a file that is no image leaves the last result in place."""
    key = _box()
    st.file_uploader(
        "Your own image",
        type=[suffix.removeprefix(".") for suffix in SUFFIXES],
        key=key,
        max_upload_size=_MOST_MB,
        on_change=_take_file,
        args=(key,),
        help="Drop a file, browse, or paste an image from the clipboard.",
    )
    if st.toggle("Use the camera", key="camera_on"):
        st.camera_input("Photograph", key=_PHOTO, on_change=_take_file, args=(_PHOTO,))
    st.caption("Kept in this tab's memory; stored only by Save, Copy link or Add to report.")
    problem, of_query = st.session_state.get(_PROBLEM, ("", ""))
    if problem and of_query == state.query():
        notices.problem(
            "We can't read this file as an image.",
            reason=problem,
            works="The last result is still shown.",
            todo="Try another image file.",
            key="upload_box",
        )


def _box() -> str:
    """Key of the upload box: another, empty one where its file is not the query any more."""
    n = st.session_state.setdefault(_BOXES, 0)
    key = f"{_FILE}{n or ''}"
    file = st.session_state.get(key)
    if file is None or Upload(file.name, file.getvalue()).ref == state.query():
        return key
    st.session_state[_BOXES] = n + 1
    return f"{_FILE}{n + 1}"


def random_query_buttons(opened: OpenRun) -> None:
    """Buttons for a query from the query set: any, or a hard one."""
    with st.container(horizontal=True, gap="small"):
        st.button(
            "Random query",
            icon=":material/casino:",
            on_click=_draw,
            args=(opened, False),
            help="Another image of the query set.",
        )
        st.button(
            "Hard query",
            icon=":material/psychology_alt:",
            on_click=_draw,
            args=(opened, True),
            help="A query of the worst quarter by AP that still finds something.",
        )


def resolve(wanted: str, opened: OpenRun, default: str) -> tuple[str, str]:
    """The link name of the query to show, and a sentence where the one wanted cannot be.

    Args:
        wanted: link name; empty for the default. An upload that is stored comes back.
        opened: a run of the data set.
        default: link name.
    """
    if wanted.startswith("up:"):
        if state.upload(wanted) is not None:
            return wanted, ""
        kept = stored_query(wanted, cached.library.settings())
        if kept is not None:
            state.take_upload(kept)
            return wanted, ""
        return default, (
            "This link is for an uploaded image that was never stored by Save or Copy link, or "
            "has since been removed. Upload it again on Search; an example is shown instead."
        )
    if Words.of_ref(wanted) is not None:
        return wanted, ""
    if wanted and row_of_ref(wanted, opened) is None:
        return default, "This link refers to an image that is not in this data set."
    return wanted or default, ""


def encoded_query(ref: str, default: str, opened: OpenRun) -> tuple[str, QueryImage]:
    """The query behind a link name, encoded, and its name; the default where that fails."""
    try:
        query = of_ref(ref, opened)
    except EncodingError as error:
        works = "You can still search with images of the data set; an example is shown."
        if Words.of_ref(ref) is None:
            notices.cannot_encode(str(error), works=works, key="encoding_problem")
        else:
            notices.problem(
                "This run cannot be searched with words.",
                reason=str(error),
                works=works,
                todo="Choose a run on a backbone that has a text tower.",
                key="encoding_problem",
            )
        return encoded_query(default, default, opened)
    if query is None:  # training images outside the database have no stored code
        st.info("The code of this image is not stored; an example is shown instead.")
        return encoded_query(default, default, opened)
    return ref, query


def of_ref(ref: str, opened: OpenRun) -> QueryImage | None:
    """The query behind a link name that `resolve` gave; None where the run has no code of it.

    Raises:
        EncodingError: the run cannot encode an upload.
    """
    image, place = (
        state.upload(ref),
        st.empty(),
    )  # always there: else all below would be drawn again
    if image is not None:
        with place:
            return _of_upload(image, upload_code(opened.id, image), opened)
    if (words := Words.of_ref(ref)) is not None:
        return _of_words(words, opened)
    row = row_of_ref(ref, opened)
    return None if row is None else of_row(row, opened)


def of_search(opened: OpenRun) -> QueryImage | None:
    """The query that Search has now, for other pages; None where this run has no code of it."""
    ref = state.query() or cached.search.examples(opened.id)[0].ref
    if image := state.upload(ref):
        code = state.upload_codes(ref).get(opened.id)
        return None if code is None else _of_upload(image, code, opened)
    if (words := Words.of_ref(ref)) is not None:
        return _of_words(words, opened) if cached.networks.takes_words(opened.id) else None
    row = row_of_ref(ref, opened)
    return None if row is None else of_row(row, opened)


def card(opened: OpenRun, image: QueryImage) -> None:
    """Picture, name, labels and code of the query."""
    labels = ""
    if image.words is not None:
        labels = "words"
    elif opened.label_set is not None:
        labels = ", ".join(opened.label_names(image.row) if image.row is not None else ())
        labels = labels or "no labels"
    with st.container(border=True, key="query_card"):
        st.html(
            "<div style='display:flex;flex-wrap:wrap;gap:.25rem 1rem;align-items:center'>"
            f"<img src='{source(opened, image)}' alt='query: {escape_html(image.name)}' "
            "style='width:100%;max-width:9rem;border-radius:.4rem'>"
            "<div style='flex:1 1 8rem;overflow-wrap:anywhere'>"
            f"<div style='font-weight:600'>{escape_html(telling_name(image.name))}</div>"
            f"<div style='font-size:.875rem;opacity:.8'>{escape_html(labels)}</div>"
            "</div></div>"
        )
        st.html(bit_strip.one_code(bit_string(image.encoded)))


def source(opened: OpenRun, image: QueryImage) -> str:
    """Address of a query's picture; an upload is put into the page itself, not on the server."""
    if image.row is not None:
        return thumb_url(opened.dataset.info.name, opened.text("sha256", image.row))
    if image.words is not None:
        return image.words.picture()
    ranges = opened.dataset.info.value_ranges or ()
    return "" if image.upload is None else preview(image.upload, ranges=ranges)


def _of_words(words: Words, opened: OpenRun) -> QueryImage:
    code = cached.networks.encoded_words(opened.id, words.text)
    return QueryImage(code, words.text, None, words=words)


def _of_upload(image: Upload, code: Query, opened: OpenRun) -> QueryImage:
    return QueryImage(code, image.name, opened.row_of.get(image.sha256), image)


def of_row(row: int, opened: OpenRun) -> QueryImage | None:
    """An image of the data set as the query; None when the run has no code of it."""
    code = stored_code(opened.run, row)
    name = opened.text("text", row) or opened.text("image_id", row)
    return None if code is None else QueryImage(code, name, row)


def _draw(opened: OpenRun, is_hard: bool) -> None:
    current = row_of_ref(state.query(), opened)
    row = random_query(opened, cached.library.settings(), is_hard=is_hard, current=current)
    state.choose_query(dataset_ref(row))


def _pick_example() -> None:
    ref = gallery.picked(_EXAMPLES)
    if ref:
        state.choose_query(ref)


def _take_file(key: str) -> None:
    """Check an uploaded file at once, so that a bad one never becomes the query."""
    file = st.session_state.get(key)
    st.session_state.pop(_PROBLEM, None)
    if file is None:
        state.keep_upload(None)
        return
    image = Upload(file.name, file.getvalue())
    try:
        load_rgb(image.content)
    except ImageError as error:
        st.session_state[_PROBLEM] = f"{file.name}: {error}", state.query()
        return
    state.keep_upload(image)


def upload_code(run_id: str, image: Upload) -> Query:
    """The code of an upload of this tab under a run; encoded once per run.

    Raises:
        EncodingError: the run cannot encode it.
    """
    codes = state.upload_codes(image.ref)
    if run_id not in codes:
        with st.spinner("Encoding the image"):
            codes[run_id] = cached.networks.encoded(run_id, image)
    return codes[run_id]
