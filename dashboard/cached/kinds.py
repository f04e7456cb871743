"""The same kind and the same thing: pictures of both, and what choosing between them gives."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from dashboard.cached.library import dataset, settings
from dashboard.cached.runs import board, boards
from pipeline.analysis.kinds_and_things import Example
from pipeline.analysis.kinds_and_things import examples as read_examples
from pipeline.analysis.kinds_and_things import find_front as read_front
from pipeline.stored_features import FeaturesMissing, find_stored


def examples(name: str, backbone: str) -> tuple[Example, ...] | str:
    """What both ends of kind and thing find for images of a data set, or why that is not known."""
    return _examples(name, backbone, dataset(name).info.fingerprint)


@st.cache_data(max_entries=20, show_spinner=False)
def _examples(name: str, backbone: str, fingerprint: str) -> tuple[Example, ...] | str:
    images, stored = dataset(name), find_stored(backbone, settings())
    if stored is None:
        return f"No features of {backbone} are stored yet; they are after the first run with it."
    try:
        features = stored.read(images, np.arange(len(images)))
    except FeaturesMissing as error:
        return str(error)
    found = read_examples(features)
    return found or "No groups of images stand out among these features."


def front(name: str, label_set: str, protocol: str, split_seed: int) -> tuple[pd.DataFrame, str]:
    """Runs that were told what to find, and the protocol of their numbers in a sentence.

    Empty where none of these conditions was measured.
    """
    wanted = protocol, label_set, split_seed
    for one in boards(name):
        conditions = one.protocol.name, one.label_set or one.first_labels, one.split_seed
        if conditions == wanted:
            return read_front(board(one).rows, settings()), one.sentence
    return pd.DataFrame(columns=["find"]), ""
