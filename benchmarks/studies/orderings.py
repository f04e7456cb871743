"""Why some methods rank otherwise here than in the literature: their parts changed one by one.

python -m benchmarks.studies.orderings [--studies aims similarity views distillation pairs]
    [--sets cifar10-lossless caltech99 coco18] [--changes none clearer thinner uneven] [--bits 64]
    [--seeds 3] [--home FOLDER]

aims: GreedyHash-U, BiHalf and SDC as they are.
similarity: BiHalf and SDC, brought towards their authors' code step by step.
views: CIBHash, and SDC with its contrastive term, on augmented views.
distillation: DHD and OrthoHash, each with and without augmented views.
pairs: SSDH's settings, and how many of the pairs that it calls alike or unlike are so by label.

Validation images cut from the training sets are the queries, as in `epochs`; the real image
sets must lie beside the checkout. On coco18 the second figure is mAP without `person`. Sets with
one label an image can be changed: `clearer` shifts the features of each class away from the mean of
all, which makes better features of them with the help of the labels; `uneven` leaves ever fewer
images of a class in training set and database, down to a tenth; `thinner` as many images, evenly.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.studies.epochs import QUERIES, Cut, cell, cut, figures, measured
from models.deep import Batch
from models.method import HashMethod, TrainingSet
from models.methods.bihalf import BiHalf, bihalf_loss
from models.methods.cibhash import CIBHash, nt_xent
from models.methods.dhd import DHD, dhd_loss
from models.methods.greedyhash_u import GreedyHashU
from models.methods.orthohash import OrthoHash
from models.methods.sdc import SDC, quantiles, sdc_loss
from models.methods.ssdh import SSDH
from models.training import LossTerms
from pipeline.evaluation.ranking import cosine_histograms
from pipeline.settings import Settings

SETS = ("cifar10-lossless", "caltech99", "coco18")
CLEARER = 0.3  # of the difference of class mean and mean
VIEWS = 8  # augmented ones of each training image; methods take four where nothing else is said


def uncentred(method: BiHalf | SDC, batch: Batch) -> Tensor:
    """The batch's features as the backbone gave them."""
    return batch.views[0] / method.state["scale"] + method.state["mean"]


class UncentredBiHalf(BiHalf):
    """Keeps the cosines of features that are not centred."""

    def loss(self, batch: Batch) -> LossTerms:
        """`bihalf_loss` of the batch."""
        return bihalf_loss(batch.relaxed[0], uncentred(self, batch), self.config.gamma)


class UncentredSDC(SDC):
    """Keeps the order of the cosines of features that are not centred."""

    def loss(self, batch: Batch) -> LossTerms:
        """`sdc_loss` of the batch."""
        wanted = quantiles(len(batch.rows) // 2, self.config.concentration, True)
        features = uncentred(self, batch)
        return sdc_loss(batch.relaxed[0], features, wanted, self.config.quantization)


class ContrastiveSDC(SDC):
    """With the contrastive term of the authors' code, at its temperature and weight."""

    card = SDC.card.model_copy(update={"views": 5})

    def loss(self, batch: Batch) -> LossTerms:
        """Calibration and quantization of both views, and their contrast."""
        wanted = quantiles(len(batch.rows) // 2, self.config.concentration, True)
        both = [
            sdc_loss(relaxed, view, wanted, self.config.quantization)
            for relaxed, view in zip(batch.relaxed, batch.views, strict=True)
        ]
        terms = {name: (both[0][name] + both[1][name]) / 2 for name in both[0]}
        first, second = batch.relaxed
        return {**terms, "contrast": nt_xent(first, second, 0.3)}


class CIBHashEightViews(CIBHash):
    """Twice as many augmented views to draw from."""

    card = CIBHash.card.model_copy(update={"views": 1 + VIEWS})


class CIBHashPlain(CIBHash):
    """The plain image and one augmented view of it."""

    card = CIBHash.card.model_copy(update={"views": 2})


class PlainDHD(DHD):
    """Without a student: the plain image alone."""

    card = DHD.card.model_copy(update={"views": 1})

    def loss(self, batch: Batch) -> LossTerms:
        """`dhd_loss` of the plain image."""
        plain = batch.relaxed[0]
        return dhd_loss(plain, plain, self._proxies, batch.known_labels, self.config)


class AugmentedDHD(DHD):
    """Teacher and student each see one of four augmented views, another one every step."""

    card = DHD.card.model_copy(update={"views": 5})


class AugmentedOrthoHash(OrthoHash):
    """Learns from one augmented view of an image a step, as that teacher does."""

    card = OrthoHash.card.model_copy(update={"views": 5})


@dataclass(frozen=True)
class Variant:
    """A method with one thing changed."""

    title: str
    method: type[HashMethod]
    config: Mapping[str, object] = field(default_factory=dict)


SDC_AUTHORS = {
    "hidden": 1280,  # as wide as the features
    "dropout": 0.0,
    "epochs": 100,
    "batch": 64,
    "learning_rate": 1e-4,
    "weight_decay": 5e-4,
}
LINEAR = {"hidden": 0, "dropout": 0.0, "batch_norm": False}
STUDIES: dict[str, list[Variant]] = {
    "aims": [
        Variant("GreedyHash-U: BiHalf's aim without its halves", GreedyHashU),
        Variant("BiHalf", BiHalf),
        Variant("SDC", SDC),
    ],
    "similarity": [
        Variant("BiHalf, linear head", BiHalf, LINEAR),
        Variant("BiHalf, uncentred cosines", UncentredBiHalf),
        Variant("BiHalf, both", UncentredBiHalf, LINEAR),
        Variant("BiHalf, both, batch 32", UncentredBiHalf, {**LINEAR, "batch": 32}),
        Variant("SDC, uncentred cosines", UncentredSDC),
        Variant("SDC, uncentred cosines, batch 64", UncentredSDC, {"batch": 64}),
        Variant("SDC, no dropout", SDC, {"dropout": 0.0}),
        Variant("SDC, linear head", SDC, {"hidden": 0, "dropout": 0.0}),
        Variant("SDC, unlike pairs opposite", SDC, {"orthogonal": False}),
        Variant("SDC, Beta(2, 2)", SDC, {"concentration": 2.0}),
        Variant("SDC, head and schedule of the authors", SDC, SDC_AUTHORS),
    ],
    "views": [
        Variant("SDC with the contrastive term", ContrastiveSDC),
        Variant("the same, Beta(2, 2)", ContrastiveSDC, {"concentration": 2.0}),
        Variant("CIBHash", CIBHash),
        Variant("CIBHash, temperature 0.3", CIBHash, {"temperature": 0.3}),
        Variant("CIBHash, 60 epochs of batches of 64", CIBHash, {"epochs": 60, "batch": 64}),
        Variant("CIBHash, eight views", CIBHashEightViews),
        Variant("CIBHash, plain image and one view", CIBHashPlain),
    ],
    "distillation": [
        Variant("OrthoHash", OrthoHash),
        Variant("OrthoHash on augmented views", AugmentedOrthoHash),
        Variant("DHD", DHD),
        Variant("DHD, no student: plain images alone", PlainDHD),
        Variant("DHD, teacher augmented as the student", AugmentedDHD),
        Variant("the same, no distillation", AugmentedDHD, {"distillation": 0.0}),
        Variant("the same, no quantization", AugmentedDHD, {"quantization": 0.0}),
        Variant("the same, 30 epochs", AugmentedDHD, {"epochs": 30}),
    ],
    "pairs": [
        Variant("SSDH", SSDH),
        Variant("SSDH, one spread", SSDH, {"alpha": 1.0, "beta": 1.0}),
        Variant("SSDH, hidden layer and batches of 128", SSDH, {"hidden": 1024, "batch": 128}),
    ],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", nargs="+", choices=STUDIES, default=list(STUDIES))
    parser.add_argument("--sets", nargs="+", choices=SETS, default=["cifar10-lossless", "coco18"])
    parser.add_argument("--changes", nargs="+", choices=CHANGES, default=["none"])
    parser.add_argument("--bits", nargs="+", type=int, default=[64])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--home", type=Path, help="Keep data and features here, for the next time.")
    options = parser.parse_args()
    settings = Settings(home=options.home or Path(tempfile.mkdtemp(prefix="hashlens-bench-")))
    variants = [variant for study in options.studies for variant in STUDIES[study]]
    n_views = max(variant.method.card.views for variant in variants) - 1
    if options.changes != ["none"] and ("coco18" in options.sets or n_views):
        parser.error("--changes takes sets with one label an image, and methods without views")
    for name in options.sets:
        found = cut(name, settings, n_views)
        if found is None:
            print(f"{name} skipped: it does not lie beside the checkout")
            continue
        if "pairs" in options.studies:
            print(f"\n{name}: {judged_pairs(found)}")
        if "views" in options.studies:
            print(f"\n{name}: {judged_views(found)}")
        print(f"\n{name}\n")
        columns = [
            (change, CHANGES[change](found), bits)
            for change in options.changes
            for bits in options.bits
        ]
        _row("variant", [f"{change}, {bits} bits" for change, _, bits in columns])
        _row("---", ["---"] * len(columns))
        _row("cosine of the features", [cell(np.array([cosine(part)])) for _, part, _ in columns])
        for variant in variants:
            fits = [
                [
                    measured(variant.method, part, bits, variant.config, seed)
                    for seed in range(options.seeds)
                ]
                for _, part, bits in columns
            ]
            _row(variant.title, [cell(np.array(fit)) for fit in fits])


def _row(title: str, cells: list[str]) -> None:
    print(f"| {' | '.join([title, *cells])} |", flush=True)


def cosine(part: Cut) -> list[float]:
    """The `figures` of the features themselves."""
    query, database = part.features[part.is_query], part.features[~part.is_query]
    return figures(part, lambda *labels: cosine_histograms(query, database, *labels))


def clearer(part: Cut) -> Cut:
    """Features of each class shifted by a part of what its mean differs from that of all images."""
    member = part.labels.argmax(axis=1)
    means = np.stack([part.features[member == one].mean(axis=0) for one in np.unique(member)])
    shift = CLEARER * (means - part.features.mean(axis=0))
    return replace(part, features=part.features + shift[member], augmented=())


def fewer(part: Cut, shares: NDArray[np.float64]) -> Cut:
    """Each class's share (C,) of the images that are not queries, drawn at random."""
    member, rng = part.labels.argmax(axis=1), np.random.default_rng(0)
    kept = part.is_query | (rng.random(len(member)) < shares[member])
    return Cut(part.features[kept], part.labels[kept], part.is_query[kept], part.is_train[kept])


def uneven(part: Cut) -> Cut:
    """Classes from all their images down to a tenth of them."""
    return fewer(part, np.logspace(0, -1, part.labels.shape[1]))


def thinner(part: Cut) -> Cut:
    """As many images as `uneven` has, classes as they were."""
    classes = part.labels.shape[1]
    return fewer(part, np.full(classes, np.logspace(0, -1, classes).mean()))


CHANGES: dict[str, Callable[[Cut], Cut]] = {
    "none": lambda part: part,
    "clearer": clearer,
    "thinner": thinner,
    "uneven": uneven,
}


def judged_views(part: Cut) -> str:
    """What augmentation takes from frozen features: mAP of their cosine, views as queries."""
    train = np.flatnonzero(part.is_train)
    rows = np.random.default_rng(0).choice(len(train), QUERIES, replace=False)
    is_query = np.isin(np.arange(len(part.labels)), train[rows])
    rows = np.flatnonzero(is_query[part.is_train])
    database = part.features[~is_query]
    chosen = replace(part, is_query=is_query, is_train=part.is_train & ~is_query)
    said = []
    for kind, view in (("plain", part.features[part.is_train]), ("augmented", part.augmented[0])):
        found = figures(chosen, partial(cosine_histograms, view[rows], database))
        said.append(f"{' / '.join(f'{value:.1f}' for value in found)} with {kind} queries")
    return f"cosine mAP of training images: {', '.join(said)}"


def judged_pairs(part: Cut) -> str:
    """Of SSDH's pairs, how many it judges, and how many of these are right by label."""
    features = torch.from_numpy(part.features[part.is_train])
    features = features - features.mean(0)
    labels = torch.from_numpy(part.labels[part.is_train]).float()
    method = SSDH(64)
    method.on_fit_start(TrainingSet((features,)))
    judged = method.similarity(features)
    related = (labels @ labels.T) > 0
    pairs = torch.ones_like(judged, dtype=torch.bool).triu(1)
    said = [f"{100 * related[pairs].float().mean():.1f} % of all pairs share a label"]
    for name, value in (("alike", 1), ("unlike", -1)):
        called = pairs & (judged == value)
        right = related[called] == (value > 0)
        share = 100 * called.sum() / pairs.sum()
        said.append(
            f"{share:.1f} % are called {name}, {100 * right.float().mean():.1f} % of them rightly"
        )
    return "; ".join(said)


if __name__ == "__main__":
    main()
