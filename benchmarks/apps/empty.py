"""The least that a Streamlit page can be: a title."""

import streamlit as st

st.title("Search")
