"""Import: check a source, see what is in it, and only then store it."""

import streamlit as st

from dashboard.build import import_check, import_done, import_flow, import_source, import_vectors

st.title("Import", anchor=False)
job = import_flow.current()
is_new = not import_flow.is_imported(job)  # what came of it stands alone; Import more leads back
if is_new and import_source.show_source(job.request() if job else None):
    import_vectors.show_outcome()
    st.stop()
if job is None:
    import_flow.say_gone()
    st.caption(
        "Class folders, tables (CSV, JSON, parquet), imagefolders, COCO, Pascal VOC, YOLO, CVAT, "
        "LabelMe, Label Studio, FiftyOne, hashing lists and plain images are recognised. Nothing "
        "is stored until you have seen what was found."
    )
    st.stop()
status = import_flow.watch(job)
if status.state != "done":
    st.stop()
if status.kind == "import":
    import_done.show_done(status)
    st.stop()
plan, request = import_flow.plan_of(job), job.request()
import_check.options(plan, request)
import_check.found(plan)
import_check.confirm(plan, request)
