"""Codes: what bits do to one query, what one bit has learned, and what all codes are worth."""

import streamlit as st

from dashboard import cached, state
from dashboard.explore import (
    codes_alignment,
    codes_bit,
    codes_query,
    codes_statistics,
    codes_views,
    copy_link,
)
from dashboard.widgets import notices, query_panel

with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
    st.title("Codes", anchor=False, width="content")
    actions = st.container(width="content")
st.caption(
    "A code is a row of bits, each 1 or 0; images with similar codes are found together. See what "
    "the bits of one image do, what one bit has learned, and how good all codes are."
)
run_id = notices.chosen_run()
view = codes_views.view()
opened = notices.opened(run_id)
is_alone = view == codes_views.BIT and codes_bit.view() == codes_bit.OWN
beside = [codes_alignment.choose(opened)] if view == codes_views.BIT and not is_alone else []
copy_link.outdated(opened)
ref = ""
if view == codes_views.QUERY or is_alone:
    examples = cached.search.examples(run_id)
    ref, note = query_panel.resolve(state.query(), opened, examples[0].ref)
    query_panel.examples(examples, ref)
    ref, query = query_panel.encoded_query(ref, examples[0].ref, opened)
    if note:
        st.info(note)
if view == codes_views.QUERY:
    codes_query.show_query(opened.searched, query)  # finds what Search finds
elif is_alone:
    codes_bit.show_bit(opened, query)
elif beside:
    codes_alignment.show_alignment(opened, *beside)
else:
    codes_statistics.show_statistics(opened)
with actions:  # last: the link names what the views have chosen
    copy_link.show_copy_link(copy_link.CODES, opened, ref=ref)
notices.licence(opened.dataset.info)
