"""Search: an image in, the images with the nearest hash codes out."""

import streamlit as st

from dashboard import cached, state
from dashboard.explore import (
    copy_link,
    index_choice,
    index_notice,
    saved_queries,
    search_controls,
    search_order,
    search_results,
)
from dashboard.widgets import notices, query_panel, report_button
from dashboard.widgets.drawer import show_drawer

with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
    st.title("Search", anchor=False, width="content")
    actions = st.container(horizontal=True, width="content", gap="small")
run_id = notices.chosen_run()
opened = notices.opened(run_id).searched
examples = cached.search.examples(run_id)
ref, note = query_panel.resolve(state.query(), opened, examples[0].ref)
query_card, right = query_panel.beside_results(opened, examples, ref)
with right:
    changes = st.container()  # of a link: known with the results, said above them
    if note:
        st.info(note)
    ref, query = query_panel.encoded_query(ref, examples[0].ref, opened)
    state.show_query(ref)
    request = search_controls.show_controls(opened, query)
    ordering, reason = search_order.ordering(opened, query)
    answer = cached.search.answer(opened, query, request, ordering)
    with changes:
        copy_link.outdated(
            opened,
            since=lambda version: cached.search.since(version, opened, answer, request, ordering),
        )
    index_notice.show_index_notice(answer.index, run_id)
    notices.no_better_than_baseline(run_id)
    search_results.headline(answer, request, reason, opened)
    if answer.is_unusual:
        search_results.unusual(answer, opened)
    clicked = None
    if not answer.groups:
        search_results.empty(answer, request)
    else:
        clicked = search_results.show_results(
            answer, opened, search_controls.tile_px(), search_controls.page(answer)
        )
    search_results.measures(answer, opened)
    search_results.distances(answer, opened)
with query_card:
    query_panel.card(opened, query)
with actions:
    index_choice.show_index_choice(opened.dataset.info.name)
    copy_link.show_copy_link(copy_link.SEARCH, opened, ref=ref)
    saved_queries.show_saved_queries(ref)
    search_results.export(answer, opened)
    order = search_controls.order() if ordering else search_controls.CODES
    report_button.show_strip_button([(opened, answer)], request, order=order, key="search")
notices.licence(opened.dataset.info)
if clicked:  # last: Streamlit may lose a press in a drawer while the page is still drawn
    show_drawer(
        clicked.row,
        opened.dataset,
        gallery_key=search_results.KEY,
        titles=search_results.titles(answer, opened),
        opened=opened,
        query=query,
        compares_query=True,
        after_search=lambda _: st.rerun(),
    )
