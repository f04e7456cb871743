"""Compare: one query, two runs side by side."""

import streamlit as st

from dashboard import cached, state
from dashboard.explore import compare_parts, copy_link, search_results
from dashboard.services.comparing import compare, differing_most, searched_alike
from dashboard.services.queries import dataset_ref
from dashboard.services.run_verdict import run_verdict
from dashboard.widgets import notices, query_panel
from dashboard.widgets.drawer import show_drawer
from dashboard.widgets.recommended_training import show_recommended

with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
    st.title("Compare", anchor=False, width="content")
    actions = st.container(horizontal=True, width="content", gap="small")
dataset = notices.chosen_dataset()
runs = cached.library.runs(dataset.name)
if len(runs) < 2:
    st.info(f"Comparing needs two finished runs, and this data set has {len(runs) or 'none'}.")
    show_recommended(dataset)
    st.stop()
opened_runs = (notices.opened(run_id) for run_id in compare_parts.choose(runs))
first, second = searched_alike(*opened_runs)
table = differing_most(first, second)
default = dataset_ref(int(table["row"].iloc[0] if len(table) else first.query_rows[0]))
ref, note = query_panel.resolve(state.query(state.COMPARED_QUERY), first, default)
state.show_query(ref, state.COMPARED_QUERY)
with actions:
    copy_link.show_copy_link(state.COMPARED, first, second, ref=ref, name=state.COMPARED_QUERY)
copy_link.outdated(first, second)
if note:
    st.info(note)
compare_parts.verdict(run_verdict(table), first)
compare_parts.stepper(table, ref, first)
answers = compare_parts.ask(ref, first, second)
if answers is None:
    compare_parts.differing(table, first)
    st.stop()
with actions:
    compare_parts.report_button((first, second), answers)
compared = compare(first, second, answers)
compare_parts.figures(compared)
clicked = compare_parts.lists(compared, (first, second), answers)
compare_parts.changes(compared)
compare_parts.differing(table, first)
notices.licence(dataset)
if clicked:  # last: Streamlit may lose a press in a drawer while the page is still drawn
    result, side, key = clicked
    opened = (first, second)[side]
    show_drawer(
        result.row,
        opened.dataset,
        gallery_key=key,
        titles=search_results.titles(answers[side], opened),
        opened=opened,
        query=answers[side].query,
    )
