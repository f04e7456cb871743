"""Steps 2 to 4 of an import: how it is read and split, what was found, and the button."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Literal

import streamlit as st

from dashboard import cached
from dashboard.build import import_flow
from dashboard.charts.counts import class_bars, height_of, size_bars
from dashboard.services import imports
from dashboard.services.results_table import to_csv
from dashboard.widgets import chart_panel, gallery
from dashboard.widgets.image_pairs import show_pairs
from pipeline.catalog import protocols
from pipeline.datasets.split_choice import GIVEN, STRATIFIED, SplitChoice
from pipeline.ingest.dry_run import Plan
from pipeline.ingest.layouts import list_layouts
from pipeline.ingest.layouts.reading import ReadOptions
from pipeline.ingest.request import ImportRequest
from pipeline.wording import escape_markdown, file_size, plural

_WORDS = {"": "As given, if there is one", GIVEN: "As given", STRATIFIED: "Stratified, fixed now"}


def options(plan: Plan, request: ImportRequest) -> None:
    """Step 2: what was understood, open to change; a change is checked again."""
    with st.container(border=True, key="import_options"), st.form("import_form", border=False):
        st.subheader("2 · How it is read and split", anchor=False)
        reading = _reading(plan) if plan.guesses else ReadOptions()
        split = _split(request)
        parts = " · ".join(f"{name} {n:,}" for name, n in plan.parts.items())
        st.caption(
            f"Checked with {escape_markdown(plan.info.split_summary)}: "
            f"{parts or escape_markdown(plan.split_problem)}"
        )
        if st.form_submit_button("Check again", icon=":material/refresh:"):
            changed = request.model_copy(update={"reading": reading, "split": split})
            import_flow.start(changed, "check")
            st.rerun()


def found(plan: Plan) -> None:
    """Step 3: counts, histograms, pictures and problems."""
    st.subheader("3 · What was found", anchor=False)
    _numbers(plan)
    left, right = st.columns(2, gap="large")
    height = height_of(imports.class_table(next(iter(plan.classes.values()), ())))
    with left:
        for name, counts in plan.classes.items():
            table = imports.class_table(counts)
            largest = f"the largest is {counts[0][0]} with {counts[0][1]:,}" if counts else "none"
            st.markdown(f"**Images per class** :gray[· {escape_markdown(name)}]")
            alt = f"Images of {len(counts):,} classes; {largest}."
            chart_panel.show_chart(class_bars(table), table, alt=alt, key=f"classes_{name}")
        if plan.classes and plan.n_unlabelled:
            n_labelled, name = plan.info.n - plan.n_unlabelled, plan.info.label_sets[0].name
            st.info(
                f"{n_labelled:,} of {plural(plan.info.n, 'image')} have a {escape_markdown(name)} "
                "label. Runs are measured on those; the others train unsupervised methods, and "
                "searches find them all."
            )
        if not plan.classes:
            st.info("No labels: only unsupervised methods can train, and mAP cannot be measured.")
    with right:
        sizes = imports.size_table(plan)
        st.markdown("**Longer side**")
        alt = f"Images by the length of their longer side; {plural(plan.info.n, 'image')}."
        chart_panel.show_chart(size_bars(sizes, height), sizes, alt=alt, key="sizes")
    tiles = tuple(
        gallery.Tile(
            id=str(number),
            src=f"data:image/webp;base64,{thumb.webp}",
            name=thumb.image_id,
            caption=", ".join(thumb.labels) or thumb.image_id,
        )
        for number, thumb in enumerate(plan.thumbs)
    )
    gallery.show_gallery(
        [gallery.TileGroup(tiles)], key="preview", label="Preview", tile_px=84, is_still=True
    )
    _pairs(plan)
    _tables(plan)


def confirm(plan: Plan, request: ImportRequest) -> None:
    """Step 4: the button, and the command that does the same."""
    with st.container(border=True, key="import_confirm"):
        st.subheader("4 · Import", anchor=False)
        again = False
        if plan.same_as and not request.into:
            st.warning(
                f"The same images and labels are already here as {escape_markdown(plan.same_as)}."
            )
            again = st.toggle("Import a second copy", key="import_again")
        yes = request.yes
        if plan.doubt:
            st.warning(_sentence(plan.doubt), title="A label file would not be used")
            yes = st.toggle("Import without it", key="import_doubt")
        request = request.model_copy(update={"again": again, "yes": yes})
        target = f"to {request.into}" if request.into else f"as {plan.info.name}"
        n_new = plan.info.n - plan.n_known
        if not _is_there(request):
            st.warning(
                "The server deletes uploads after their import, or after a day. Upload the file "
                "again and check it.",
                title="The uploaded file is no longer there",
            )
            return
        st.caption("Nothing has been stored yet.")
        st.button(
            f"Import {plural(n_new, 'image')} {target}",
            icon=":material/download:",
            type="primary",
            disabled=_is_hindered(plan, request),
            on_click=import_flow.start,
            args=(request, "import"),
        )
        with st.expander("As a command", icon=":material/terminal:"):
            command = imports.command_of(request, cached.library.settings())
            st.code(command, language="bash", wrap_lines=True)


def _is_there(request: ImportRequest) -> bool:
    """Whether the server still has an upload; it keeps everything else."""
    is_upload = imports.upload_of(request, cached.library.settings())
    return not is_upload or Path(request.source).is_file()


def _is_hindered(plan: Plan, request: ImportRequest) -> bool:
    """Whether something has to be confirmed first, or there is nothing to import."""
    is_copy = bool(plan.same_as) and not request.again and not request.into
    return is_copy or (bool(plan.doubt) and not request.yes) or plan.info.n == plan.n_known


def _understood(plan: Plan) -> None:
    """What was found out while reading, and what is probably not as it was meant."""
    if plan.warnings:
        st.warning("\n".join(f"- {_sentence(warning)}" for warning in plan.warnings))
    if plan.notes:
        st.caption("  \n".join(f"· {_sentence(note)}" for note in plan.notes))
    if plan.n_known:
        st.caption(f"{plan.n_known:,} of these images are already there and stay unchanged.")


def _sentence(words: str) -> str:
    """Words of the import, which may hold names of files, as a sentence of the page."""
    is_name = "." in words.split(maxsplit=1)[0]
    return escape_markdown(f"{words if is_name else words[0].upper() + words[1:]}.")


def _numbers(plan: Plan) -> None:
    refused = plan.info.n_problems - plan.n_duplicates
    shown = (
        ("Images", f"{plan.info.n:,}", f"{file_size(plan.n_bytes)} in {plan.n_files:,} files."),
        ("Rejected", f"{refused:,}", "Listed below, each with its reason."),
        ("Duplicates", f"{plan.n_duplicates:,}", "Files with equal content; one is kept."),
        (
            "Near-duplicates",
            f"{plan.n_near:,}",
            "Pairs whose 64-bit picture hashes differ in at most 4 bits.",
        ),
        ("Leaks", f"{plan.n_leaks:,}", "Of these, pairs of a query and a database image."),
    )
    with st.grid(len(shown), min_column_width=120, gap="small"):
        for name, value, explained in shown:
            st.metric(name, value, help=explained)


def _pairs(plan: Plan) -> None:
    """What is on both sides of the split or looks alike, as pictures."""
    if plan.n_leaks:
        st.warning(
            "These images are, or look, the same on both sides of the split: a query that is also "
            "in the database or in the training set makes every mAP look better than it is.",
            title=plural(plan.n_leaks, "leak"),
        )
    elif plan.n_near:
        st.markdown(f"**Near-duplicates** :gray[· {plural(plan.n_near, 'pair')}]")
    show_pairs(imports.pictured_pairs(plan))


def _tables(plan: Plan) -> None:
    problems, near = imports.problem_table(plan.problems), imports.near_table(plan)
    for title, table, key in (
        ("Skipped or changed files", problems, "problems"),
        ("Pairs that are or look the same", near, "near_duplicates"),
    ):
        if table.empty:
            continue
        with st.expander(f"{title} ({len(table):,})", icon=":material/table:"):
            st.dataframe(table, hide_index=True, alt=title, key=f"{key}_table")
            st.download_button(
                "Download CSV",
                data=partial(to_csv, table),
                file_name=f"{key}.csv",
                mime="text/csv",
                on_click="ignore",
                icon=":material/download:",
                key=f"{key}_csv",
            )


def _reading(plan: Plan) -> ReadOptions:
    """Widgets for the layout and, where there is a table, for its columns."""
    titles, was = list_layouts(), plan.reading
    likely = {guess.layout: guess for guess in plan.guesses}
    best = likely.get(was.layout, plan.guesses[0])
    st.markdown(
        f"Looks like **{titles[best.layout]}** :gray[· {100 * best.confidence:.0f} % sure · "
        f"{escape_markdown(best.why)}]"
    )
    _understood(plan)
    read_as, rest = st.columns([2, 1])
    layout = read_as.selectbox(
        "Read as",
        [*likely, *(name for name in titles if name not in likely)],
        index=list(likely).index(was.layout) if was.layout in likely else 0,
        format_func=lambda name: (
            titles[name] + (f" ({100 * likely[name].confidence:.0f} %)" if name in likely else "")
        ),
    )
    if not plan.columns:
        level = rest.number_input(
            "Class folder level",
            -9,
            9,
            was.class_level,
            help="1 is the outermost, -1 the innermost.",
        )
        encoding, header = _as_text(plan)
        return ReadOptions(layout=layout, class_level=int(level), encoding=encoding, header=header)
    path, labels, split, mark = st.columns([1, 1.6, 1, 0.6])
    columns = list(plan.columns)
    chosen = ReadOptions(
        layout=layout,
        path_column=path.selectbox("Path column", columns, columns.index(was.path_column)),
        label_columns=tuple(
            labels.multiselect(
                "Label columns", columns, [c for c in was.label_columns if c in columns]
            )
        ),
        split_column=split.selectbox(
            "Split column", ["", *columns], ["", *columns].index(was.split_column)
        ),
        text_column=was.text_column,
        separator=mark.text_input("Separator", was.separator, placeholder="auto"),
    )
    encoding, header = _as_text(plan)
    return chosen.model_copy(update={"encoding": encoding, "header": header})


def _as_text(plan: Plan) -> tuple[str, Literal["", "yes", "no"]]:
    """Widgets for the encoding of label files, and for the first line of tables."""
    was = plan.reading
    with st.expander("How text files are read", icon=":material/text_fields:"):
        encoding, header = st.columns([1, 2])
    name = encoding.text_input(
        "Encoding", was.encoding, placeholder="auto", help="For label files and for names in a zip."
    )
    words: dict[Literal["", "yes", "no"], str] = {"": "Auto", "yes": "Column names", "no": "Data"}
    first = header.segmented_control(
        "First line of tables",
        list(words),
        default=was.header,
        required=True,
        format_func=words.__getitem__,
        disabled=not plan.columns,
    )
    return name.strip(), first


def _split(request: ImportRequest) -> SplitChoice:
    """Widgets for the split; the shares count for a stratified one only."""
    was = request.split
    named = {p.name: f"Protocol {p.name}" for p in protocols() if p.name != GIVEN}
    words = {**_WORDS, **named}
    how, queries, train, seed = st.columns([2, 1, 1, 1])
    return SplitChoice(
        how=how.selectbox(
            "Split", list(words), list(words).index(was.how), format_func=words.__getitem__
        ),
        queries=queries.number_input("Queries (share)", 0.01, 0.9, was.queries, 0.05),
        train=train.number_input("Training (share)", 0.01, 1.0, was.train, 0.05),
        seed=int(seed.number_input("Seed", 0, 2**31, was.seed)),
    )
