"""Codes: what the bits of a run are worth, whatever the ranking says."""

import streamlit as st

from dashboard.components import code_panels, notices
from dashboard.services import resources
from dashboard.services.text import escape_markdown, plural

st.title("Codes", anchor=False)
run = notices.measured(notices.chosen_run())
found = resources.code_view(run.id)
facts = f"{run.label}: {plural(len(run.database_codes), 'code')} of the database."
st.caption(
    f"{escape_markdown(facts)} Statistics of all codes; what one bit means, and what happens when "
    "it flips, is on Bits. The run is chosen in the sidebar."
)
st.page_link("app_pages/bits.py", label="Single bits and one query", icon=":material/toggle_on:")
view = code_panels.view()
if view == code_panels.DISTANCES:
    code_panels.distances(run, found)
elif view == code_panels.LOOKUP:
    code_panels.lookup(run, found)
elif view == code_panels.BUCKETS:
    code_panels.buckets(run, found)
elif view == code_panels.DRIFT:
    code_panels.drift(run)
elif view == code_panels.ABLATION:
    code_panels.ablation(run)
else:
    code_panels.bits(run, found)
