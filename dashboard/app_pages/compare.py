"""Compare: one query, two runs side by side."""

import streamlit as st

from dashboard import state
from dashboard.components import compare_view, copy_link, drawer, notices, results
from dashboard.services import resources
from dashboard.services.comparing import compare, differing_most, why_not

with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
    st.title("Compare", anchor=False, width="content")
    actions = st.container(width="content")
dataset = notices.chosen_dataset()
runs = resources.runs(dataset.name)
if len(runs) < 2:
    notices.first_run(
        "Comparing needs two finished runs",
        "Train another method or code length on this data set, for example:",
        f"python -m pipeline run --dataset {dataset.name} --method itq --bits 32",
        "Then reload this page.",
    )
    st.page_link("app_pages/train.py", label="Train another", icon=":material/model_training:")
    st.stop()
first, second = (notices.opened(run_id) for run_id in compare_view.choose(runs))
reason = why_not(first, second)
if reason:
    st.warning(reason, title="These runs cannot be compared")
    st.stop()
table = differing_most(first, second)
default = int(table["row"].iloc[0] if len(table) else first.query_rows[0])
row = state.compared_row(default, len(first.dataset))
with actions:
    copy_link.show(copy_link.COMPARE, first, second)
copy_link.outdated(first, second)
compare_view.stepper(table, row, first)
answer_a, answer_b = compare_view.ask(first, row), compare_view.ask(second, row)
if answer_a is None or answer_b is None:
    st.info("One of the runs has no stored code of this image; choose a query of the query set.")
    compare_view.differing(table, first)
    st.stop()
answers = answer_a, answer_b
compared = compare(first, second, answers, row)
compare_view.figures(compared)
clicked = compare_view.lists(compared, (first, second), answers)
if clicked:
    result, side, key = clicked
    opened = (first, second)[side]
    drawer.show(
        result.row,
        opened.dataset,
        page="compare",
        gallery_key=key,
        title=results.title(result, opened),
        opened=opened,
        asked=answers[side].asked,
    )
compare_view.changes(compared)
compare_view.differing(table, first)
notices.licence(dataset)
