"""Train: choose methods and settings, see what it takes, queue the runs."""

import streamlit as st

from dashboard import cached
from dashboard.build import train_form, train_methods
from dashboard.widgets import notices
from pipeline.analysis.recommended_methods import recommended_methods

st.title("Train", anchor=False)
info = notices.readable_dataset()
names = [labels.name for labels in info.label_sets]
label_set = names[0] if names else ""
plan_place = st.container(border=True, key="train_plan")  # first to see, last to be known
left, right = st.columns([2, 3], gap="large")
with right:
    st.subheader("What", anchor=False)
    if len(names) > 1:
        label_set = st.selectbox("Labels", names, key="label_set")
    what = train_form.what(info, label_set)
groups = cached.runs.methods(info, label_set)
recommended = recommended_methods(info, label_set)
every = [one.name for methods in groups.values() for one in methods]
with left:
    st.subheader("Methods", anchor=False)
    there = train_form.already_there(every, what)
    chosen = train_methods.show_methods(groups, recommended, there, (info.name, label_set))
with right:
    st.subheader("How", anchor=False)
    how = train_form.how(every, chosen, what)
with plan_place:
    train_form.show_plan(chosen, {**what, **how})
