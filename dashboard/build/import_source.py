"""Step 1 of an import: where the images are, and what the data set will be called."""

from __future__ import annotations

import streamlit as st

from dashboard import cached
from dashboard.build import import_flow, import_vectors, upload_box
from dashboard.services import imports, uploads
from dashboard.widgets import notices
from pipeline.catalog import list_sources
from pipeline.ingest.request import ImportRequest
from pipeline.wording import escape_markdown, sentence

_UPLOAD, _SERVER, _BUILT_IN = "Upload", "Folder on the server", "Built-in"
_VECTORS = "Own vectors"
_TOKEN, _PROBLEM = "upload_token", "import_source_problem"
_NEW = "a new data set"


def show_source(request: ImportRequest | None) -> bool:
    """Draw the choice and the button that starts the check.

    Args:
        request: of the job on screen, which fills the boxes of a tab that opens its link.

    Returns:
        Whether vectors are imported, and no images.
    """
    kind_now = _take_over(request) if request else _UPLOAD
    with st.container(border=True, key="import_source"):
        st.subheader("1 · Source", anchor=False)
        kind = st.segmented_control(
            "Where the images are",
            (_UPLOAD, _SERVER, _BUILT_IN, _VECTORS),
            default=kind_now,
            required=True,
            key="from",
            bind="query-params",
            label_visibility="collapsed",
        )
        if kind == _VECTORS:
            import_vectors.show_form()
            return True
        if kind == _BUILT_IN:
            source = _built_in(request)
        else:
            source = _server() if kind == _SERVER else _upload()
        into, name = st.columns(2, gap="medium")
        names = [info.name for info in cached.library.datasets()]
        target = into.selectbox("Import into", [_NEW, *names], key="import_into")
        chosen = name.text_input(
            "Name",
            key="import_name",
            placeholder="from the source",
            disabled=target != _NEW,
            max_chars=41,
            help="Lowercase letters, digits, - and _.",
        )
        st.button(
            "Check",
            icon=":material/fact_check:",
            type="secondary" if request else "primary",
            disabled=not source,
            on_click=_check,
            args=(kind, source, chosen, "" if target == _NEW else target),
        )
        problem = st.session_state.pop(_PROBLEM, "")
        if problem:
            st.error(escape_markdown(problem))
    return False


def _take_over(request: ImportRequest) -> str:
    """Fill boxes that nobody has filled in this tab; returns where the images are."""
    settings = cached.library.settings()
    upload = imports.upload_of(request, settings)
    st.session_state.setdefault("import_name", request.name)
    st.session_state.setdefault("import_into", request.into or _NEW)
    if upload and uploads.room(upload, settings):
        st.session_state[_TOKEN] = upload
    elif not upload and not request.is_built_in:
        st.session_state.setdefault("import_path", request.source)
    return _UPLOAD if upload else _BUILT_IN if request.is_built_in else _SERVER


def _check(kind: str, source: str, name: str, into: str) -> None:
    settings = cached.library.settings()
    link_roots: tuple[str, ...] = ()
    try:
        if kind == _SERVER:
            source = imports.allowed_source(source, settings)
            link_roots = imports.allowed_roots(settings)
        elif kind == _UPLOAD:
            source = str(uploads.uploaded(source, settings) or "")
        request = ImportRequest(source=source, name=name.strip(), into=into, link_roots=link_roots)
    except ValueError as error:
        st.session_state[_PROBLEM] = str(error)
        return
    import_flow.start(request, "check")


def _upload() -> str:
    """The token of a complete upload."""
    settings = cached.library.settings()
    if uploads.room(st.session_state.get(_TOKEN, ""), settings) is None:
        try:
            st.session_state[_TOKEN] = uploads.new_token(settings)
        except OSError as error:
            notices.problem("Nothing can be uploaded.", reason=sentence(error), key="no_upload")
            return ""
    token: str = st.session_state[_TOKEN]
    file = uploads.uploaded(token, settings)
    upload_box.show_upload_box(token, settings.upload_limit_gb, file.name if file else "")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(
            f"A zip, tar or folder of any common layout, up to {settings.upload_limit_gb:g} GB; "
            "it goes to the server's disk and is deleted after the import."
        )
        if file:
            st.button("Upload another", icon=":material/refresh:", on_click=_new_upload)
        else:
            _from_a_terminal(token)
    return token if file else ""


def _from_a_terminal(token: str) -> None:
    """How to send an archive from another machine, for what a browser is too small for."""
    base = (st.context.url or "http://localhost:8501/import").rsplit("/", 1)[0]
    with st.popover("As a command", icon=":material/terminal:"):
        st.code(f"curl -T pets.zip {base}/api/import/{token}/", language="bash", wrap_lines=True)
        st.button("Look for it", icon=":material/search:", help="Once the command has ended.")


def _new_upload() -> None:
    st.session_state.pop(_TOKEN, None)
    import_flow.leave()


def _server() -> str:
    roots = cached.library.settings().import_roots
    if not roots:
        st.info(
            "This server allows no folders to be imported. To allow some, start it with "
            "`HASHLENS_IMPORT_ROOTS` set, for example to `/srv/images`."
        )
        return ""
    return st.text_input(
        "Folder, archive or table",
        key="import_path",
        placeholder=f"{roots[0]}/…",
        help=f"Inside {', '.join(map(str, roots))}.",
    )


def _built_in(request: ImportRequest | None) -> str:
    known = {name: text for name, text in list_sources().items() if name != "folder"}
    first = request.source if request and request.is_built_in else "openmoji"
    name = st.selectbox("Data set", list(known), index=list(known).index(first), key="built_in")
    st.caption(known[name])
    return str(name)
