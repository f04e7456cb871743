"""Near-duplicates: groups of images that are almost the same, and what to do with them."""

import streamlit as st

from dashboard import cached, state
from dashboard.explore import duplicates_actions, duplicates_groups, duplicates_measure
from dashboard.widgets import image_tags, notices

st.title("Near-duplicates", anchor=False)
info = notices.readable_dataset()
dataset = cached.library.dataset(info.name)
if not dataset.has_pictures and state.run() is None:
    st.info("This data set is made of vectors; train a run on it to compare its codes.")
    st.stop()
measure, run_id = duplicates_measure.choose(dataset)
found = duplicates_measure.found(dataset, measure, run_id)
if found is None:
    st.stop()
pairs, codes = found
rows = cached.duplicates.rows(info.name, measure, run_id)
distance = duplicates_measure.distance(measure, pairs)
groups = [rows[group] for group in pairs.groups(distance)]
tags = image_tags.known(dataset)
duplicates_groups.summary(groups, distance, len(rows))
if groups:
    duplicates_actions.show(dataset, groups, rows, codes, tags)
    duplicates_groups.show(dataset, groups, rows, codes, tags)
notices.licence(info)
