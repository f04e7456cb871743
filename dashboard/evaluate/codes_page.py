"""Codes: what the bits of a run are worth, whatever the ranking says."""

import streamlit as st

from dashboard import cached
from dashboard.evaluate import codes_parts
from dashboard.widgets import comparison_switch, notices
from pipeline.wording import escape_markdown, plural

st.title("Codes", anchor=False)
run = notices.measured(notices.chosen_run())
found = cached.analysis.code_view(run.id)
comparison_switch.show_switch(run.dataset.info.name)
facts = f"{run.label}: {plural(len(run.database_codes), 'code')} of the database."
st.caption(
    f"{escape_markdown(f'{facts} {comparison_switch.conditions(run)}')} Statistics of all codes; "
    "what one bit means, and what happens when it flips, is on Bits."
)
st.page_link("explore/bits_page.py", label="Single bits and one query", icon=":material/toggle_on:")
view = codes_parts.view()
if view == codes_parts.DISTANCES:
    codes_parts.distances(run, found)
elif view == codes_parts.LOOKUP:
    codes_parts.lookup(run, found)
elif view == codes_parts.BUCKETS:
    codes_parts.buckets(run, found)
elif view == codes_parts.DRIFT:
    codes_parts.drift(run)
elif view == codes_parts.ABLATION:
    codes_parts.ablation(run)
else:
    codes_parts.bits(run, found)
