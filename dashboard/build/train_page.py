"""Train: choose methods and settings, see what it takes, queue the runs."""

import streamlit as st

from dashboard import cached
from dashboard.build import train_form, train_methods
from dashboard.services import training_plan
from dashboard.widgets import notices

st.title("Train", anchor=False)
info = notices.chosen_dataset()
names = [labels.name for labels in info.label_sets]
label_set = names[0] if names else ""
left, right = st.columns([2, 3], gap="large")
with right:
    st.subheader("What", anchor=False)
    if len(names) > 1:
        label_set = st.selectbox("Labels", names, key="label_set")
    what = train_form.what(info, label_set)
with left:
    st.subheader("Methods", anchor=False)
    with st.container(height=760, border=False):
        chosen = train_methods.show_methods(cached.runs.methods(info, label_set))
with right:
    st.subheader("How", anchor=False)
    how = train_form.how(chosen)
    st.subheader("Plan", anchor=False)
    if not chosen or not what["bits"]:
        st.info("Choose at least one method and one code length.")
        st.stop()
    plan = training_plan.plan_training(
        cached.library.settings(),
        {"methods": tuple(choice.name for choice in chosen), **what, **how},
    )
    train_form.price(plan, chosen)
    train_form.start(plan)
    train_form.preview(plan)
