"""Search by words: text tower -> centred -> the same head, code and index as an image.

Towers that were trained together still put images and texts in different places of their space:
the means differ by more than images do. So each modality is centred by its own mean, and the head,
which knows images alone, gets a text where the mean of the images is.
"""

from __future__ import annotations

import time

import numpy as np
import torch
from numpy.typing import NDArray

from models.backbones.base import Backbone
from models.codes import HashCodes
from models.errors import WeightsError
from models.method import HashMethod
from pipeline.backbones import has_text_tower
from pipeline.datasets.dataset import RetrievalDataset
from pipeline.index.cosine import sample_mean
from pipeline.index.search import Encoded
from pipeline.index.text_query import check_text
from pipeline.runs.run import Run
from pipeline.settings import Settings
from pipeline.stored_features import find_stored

_TEMPLATES = ("{}", "a photo of a {}")
# What people search for, of many kinds, so that their mean is that of texts and of no topic.
# fmt: off
_VOCABULARY = (
    "dog", "cat", "horse", "bird", "fish", "insect", "tree", "flower", "leaf", "mushroom",
    "mountain", "beach", "river", "forest", "desert", "sky", "cloud", "snow", "fire", "night",
    "house", "church", "bridge", "street", "kitchen", "bedroom", "office", "shop", "tower", "wall",
    "car", "bus", "train", "bicycle", "boat", "airplane", "truck", "wheel", "road", "station",
    "person", "child", "face", "hand", "crowd", "wedding", "sport", "dance", "concert", "work",
    "apple", "bread", "pizza", "cake", "coffee", "wine", "vegetable", "meat", "soup", "plate",
    "chair", "table", "lamp", "clock", "book", "phone", "computer", "camera", "tool", "bottle",
    "shirt", "shoe", "hat", "bag", "ring", "glasses", "toy", "ball", "guitar", "piano",
    "map", "sign", "letter", "number", "drawing", "painting", "logo", "pattern", "texture", "flag",
    "red", "green", "blue", "old", "small", "happy", "empty", "round", "wooden", "metal",
)
# fmt: on


def why_no_text(run: Run, settings: Settings) -> str:
    """Why a run cannot be searched by words, in a sentence; empty where it can."""
    if not has_text_tower(run.spec.backbone, settings):
        return (
            f"{run.spec.backbone} has no text tower, so words cannot be searched with; runs on a "
            "backbone clip:NAME can"
        )
    if run.spec.finetune is not None:
        return "the image tower learned with the method and the text tower did not, so they differ"
    return ""


def encode_text(
    text: str,
    run: Run,
    dataset: RetrievalDataset,
    backbone: Backbone,
    method: HashMethod,
    settings: Settings,
) -> Encoded:
    """The code of words under a run; `features` are where an image of such content would be.

    Args:
        text: the query.
        run: that is searched.
        dataset: of the run, whose class names help to tell the mean of texts.
        backbone: of the run, with a text tower.
        method: of the run.
        settings: say where features are kept.

    Raises:
        ValueError: the text is empty or too long.
        WeightsError: the run cannot be searched by words, or the features of its images are gone.
    """
    words = check_text(text)
    if reason := why_no_text(run, settings):
        raise WeightsError(reason)
    stored = find_stored(run.spec.backbone, settings)
    if stored is None:
        raise WeightsError(
            f"the features of {run.spec.backbone} are not stored, so the mean of the images is "
            "unknown; run the method on this data set again"
        )
    began = time.perf_counter()
    mean = sample_mean(dataset, stored)
    features = backbone.embed_texts([words]).numpy() - mean_of_texts(backbone, dataset) + mean
    with torch.inference_mode():
        relaxed = method.relax(torch.from_numpy(features))
    code = HashCodes.from_relaxed(relaxed.numpy())
    seconds = time.perf_counter() - began
    return Encoded(code, seconds, relaxed=relaxed[0].numpy(), features=features[0])


def mean_of_texts(backbone: Backbone, dataset: RetrievalDataset) -> NDArray[np.float32]:
    """Mean (d,) of the features of texts: common words and the classes of the data set."""
    classes = [name for labels in dataset.info.label_sets for name in labels.classes]
    names = dict.fromkeys((*_VOCABULARY, *(name.replace("_", " ") for name in classes)))
    texts = [template.format(name) for name in names for template in _TEMPLATES]
    mean: NDArray[np.float32] = backbone.embed_texts(texts).numpy().mean(axis=0)
    return mean
