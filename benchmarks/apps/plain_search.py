"""What somebody writes to look at codes without HashLens: a scan, and the nearest as pictures.

The codes lie in the file that BENCHMARK_CODES names; `?q=ds:7` searches with the one of row 7.
"""

import os

import numpy as np
import streamlit as st

TOP, COLUMNS, SIDE = 24, 6, 64


@st.cache_resource
def codes():
    return np.load(os.environ["BENCHMARK_CODES"]).view(np.uint64)[:, 0]


st.title("Search")
row = int(st.query_params.get("q", "ds:0").removeprefix("ds:"))
distances = np.bitwise_count(codes() ^ codes()[row])
nearest = np.argsort(distances, kind="stable")[:TOP]
columns = st.columns(COLUMNS)
for place, found in enumerate(nearest):
    colour = np.frombuffer(codes()[found : found + 1].tobytes(), np.uint8)[:3]
    picture = np.broadcast_to(colour, (SIDE, SIDE, 3))
    columns[place % COLUMNS].image(picture, caption=f"{found}, distance {distances[found]}")
