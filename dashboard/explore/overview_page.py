"""Overview: what the codes of a run hold, save and keep, on one page that is worth showing."""

import streamlit as st

from dashboard import cached, state
from dashboard.explore import overview_links, overview_parts
from dashboard.widgets import notices, query_panel

overview_links.follow_old_link()
st.title("Overview", anchor=False)
info = notices.chosen_dataset()
run_id = notices.chosen_run()
opened = notices.opened(run_id).searched
summary = cached.analysis.run_summary(opened)
examples = cached.search.examples(run_id)
ref, note = query_panel.resolve(state.query(), opened, examples[0].ref)
overview_parts.in_one_sentence(info, summary)
left, right = st.columns([2.3, 1], gap="medium")
with right:
    overview_parts.figures(opened, summary)
    query_panel.examples(examples, ref)
    st.page_link(
        "explore/search_page.py", label="Search with your own image", icon=":material/upload:"
    )
if note:
    st.info(note)
ref, query = query_panel.encoded_query(ref, examples[0].ref, opened)
state.show_query(ref)
answer = overview_parts.nearest(opened, query)
with left:
    overview_parts.code_map(opened, query, answer)
shown = overview_parts.lassoed(opened)
clicked = overview_parts.images(opened, query, answer, shown)
overview_parts.next_steps(info)
notices.licence(info)
if clicked is not None:
    overview_parts.drawer(clicked, opened, query, answer)
