"""Browse: the images of a data set, filtered by class, split and text."""

import streamlit as st

from dashboard import cached
from dashboard.explore import browse_filters, browse_gallery, browse_labels, browse_manage
from dashboard.services.image_facts import matching
from dashboard.widgets import image_tags, notices
from pipeline.wording import plural

with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
    st.title("Browse", anchor=False, width="content")
    manage = st.container(width="content")
dataset = cached.library.dataset(notices.readable_dataset().name)
name = dataset.info.name
with manage:
    browse_manage.show_actions(dataset)
browse_labels.show_outcome(name)
tags = image_tags.known(dataset)
filters = browse_filters.show_filters(dataset, tags)
rows = matching(dataset, filters, tags)
with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
    summary = f":gray[· of {len(dataset):,} · {dataset.info.split_summary}]"
    st.markdown(f"**{plural(len(rows), 'image')}** {summary}", width="content")
    is_choosing = image_tags.switch()
main = st.container()
if dataset.info.label_sets:
    side, main = st.columns([1, 2.6], gap="large")
    with side:
        browse_filters.chart(dataset, filters, tags)
with main:
    if not len(rows):
        st.info("No images match these filters.")
    else:
        clicked = browse_gallery.show_images(dataset, rows, filters.label_set, tags, is_choosing)
        if clicked is not None and not is_choosing:
            browse_gallery.open_drawer(dataset, clicked)
browse_manage.problems(dataset)
notices.licence(dataset.info)
