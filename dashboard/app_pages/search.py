"""Search: an image in, the images with the nearest hash codes out."""

import streamlit as st

from dashboard import state
from dashboard.components import drawer, notices, query_panel, results, search_controls
from dashboard.services import resources
from dashboard.services.search import answer

st.title("Search", anchor=False)
run_id = notices.chosen_run()
opened = notices.opened(run_id)
found_examples = resources.examples(run_id)
ref, note = query_panel.resolve(opened, found_examples[0].ref)
query_panel.examples(found_examples, ref)
left, right = st.columns([1, 3.4], gap="medium")
with left:
    query_panel.uploader()
with right:
    if note:
        st.info(note)
    ref, asked = query_panel.asked(ref, found_examples[0].ref, opened)
    state.show_query(ref)
    request = search_controls.show(opened)
    backend = resources.backend(run_id)
    found = answer(opened, asked, request, backend, lambda why: resources.fall_back(run_id, why))
    notices.index_problem(found.index, run_id)
    results.headline(found, request.radius)
    if found.is_unusual:
        st.warning(
            f"The nearest image differs in {found.nearest} bits; for 99 of 100 queries of this "
            f"data set it is within {opened.usual_nearest}. Results may mean little.",
            title="Unusual query",
        )
    results.measures(found.judgement)
    if not found.groups:
        results.empty(found, request.radius)
    else:
        clicked = results.show(
            found, opened, search_controls.tile_px(), search_controls.page(found)
        )
        if clicked:
            drawer.show(clicked, found, opened)
    results.distances(found, opened)
with left:
    query_panel.card(opened, asked)
notices.licence(opened.dataset.info)
