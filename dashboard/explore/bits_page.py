"""Bits: what single bits of a run do, for the query on Search, for all images, in other runs."""

import streamlit as st

from dashboard import cached, state
from dashboard.explore import bits_alignment, bits_parts, copy_link
from dashboard.widgets import notices, query_panel

_VIEWS = ("What if", "Bit cards", "Robustness", "Code map", "Other run")

with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
    st.title("Bits", anchor=False, width="content")
    actions = st.container(width="content")
st.caption(
    "What one bit means and what it does to one query; statistics of all codes are on Codes."
)
st.page_link("evaluate/codes_page.py", label="Statistics of all codes", icon=":material/grid_on:")
run_id = notices.chosen_run()
opened = notices.opened(run_id)
examples = cached.search.examples(run_id)
view = st.segmented_control(
    "View", _VIEWS, default=_VIEWS[0], required=True, key="view", bind="query-params"
)
beside = [bits_alignment.choose(opened)] if view == "Other run" else []
copy_link.outdated(opened)
ref = ""
if view in ("What if", "Robustness"):
    ref, note = query_panel.resolve(state.query(), opened, examples[0].ref)
    query_panel.examples(examples, ref)
    ref, query = query_panel.encoded_query(ref, examples[0].ref, opened)
    if note:
        st.info(note)
with actions:
    copy_link.show_copy_link(copy_link.BITS, opened, ref=ref)
if view == "Bit cards":
    bits_parts.cards(opened)
elif view == "Robustness":
    bits_parts.robustness(opened, query)
elif view == "Code map":
    bits_parts.code_buckets(opened)
elif beside:
    bits_alignment.show_alignment(opened, *beside)
else:
    bits_parts.what_if(opened, query)
notices.licence(opened.dataset.info)
