"""Judge: people judge the first results of several runs without knowing which run found what."""

import streamlit as st

from dashboard import cached
from dashboard.evaluate import judge_result, judge_screen, judge_start, judge_state
from dashboard.widgets import notices

with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
    st.title("Judge", anchor=False, width="content")
    actions = st.container(horizontal=True, width="content", gap="small")
info = notices.chosen_dataset()
judged = judge_state.chosen_round(info)
if judged is None:
    judge_start.show_rounds(info)
    judge_start.show_new(info)
    notices.licence(info)
    st.stop()
dataset = cached.library.dataset(info.name)
judge = judge_state.judge()
with actions:
    judge_start.show_actions(judged)
judge_start.show_changes(judged, dataset)
if judge_state.view() == judge_state.RESULT:
    judge_result.show_result(judged, dataset, judge)
elif judge:
    judge_screen.show_screen(judged, judge, frozenset(dataset.manifest["sha256"]))
else:
    judge_start.show_join(judged)
notices.licence(info)
