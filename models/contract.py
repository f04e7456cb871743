"""The contract that every hash method keeps, as plain checks on a method class.

Run by the tests on every method, and by `python -m pipeline methods check NAME` on one.
"""

from __future__ import annotations

import math
import re
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch
from pydantic import ValidationError
from torch import Tensor

from models.checkpoint import MemoryCheckpoints
from models.codes import HashCodes
from models.deep import DeepHashMethod
from models.errors import Cancelled, NotFittedError
from models.imagined_gpu import loss_on_gpu
from models.method import EpochLog, HashMethod, TrainingSet
from models.methods.lsh import LSH
from models.storage import load_method, save_method

Method = type[HashMethod]
_POINTS, _WIDTH, _CLASSES, _BITS = 200, 160, 5, 16
_NOISE = 0.5  # of the views beyond the plain one
_MARGIN = 0.05  # mAP by which a trained method must beat LSH
_EPOCHS = 3  # enough where a check does not ask how good the codes are
_LATE = 50  # an epoch after every warm-up
_LENGTHS = (8, 13, 64, 128, 256)


def clusters(seed: int = 0) -> tuple[Tensor, Tensor]:
    """Noisy clusters: features (200, 160) and one-hot labels (200, 5)."""
    generator = torch.Generator().manual_seed(seed)
    member = torch.arange(_POINTS) % _CLASSES
    centres = torch.randn(_CLASSES, _WIDTH, generator=generator)
    noise = torch.randn(_POINTS, _WIDTH, generator=generator)
    features = 0.5 * centres[member] + noise
    return features.abs() + features, torch.nn.functional.one_hot(member).bool()


def training_set(method: Method, seed: int = 0) -> TrainingSet:
    """The clusters as the method's card wants them; further views are noisy copies."""
    features, labels = clusters(seed)
    generator = torch.Generator().manual_seed(seed)
    copies = [
        features + _NOISE * torch.randn(features.shape, generator=generator)
        for _ in range(method.card.views - 1)
    ]
    is_supervised = method.card.supervision == "supervised"
    return TrainingSet((features, *copies), labels if is_supervised else None)


def brief(method: Method, bits: int = _BITS, seed: int = 0, *, epochs: int = _EPOCHS) -> HashMethod:
    """The method with its defaults, but a deep one with few epochs."""
    few = {"epochs": epochs} if issubclass(method, DeepHashMethod) else {}
    if "min_images" in method.Config.model_fields:
        few["min_images"] = 0  # the method itself, not what stands in for it
    return method(bits, method.Config.model_validate(few), seed=seed)


def fitted(method: Method, bits: int = _BITS, seed: int = 0) -> HashMethod:
    """Brief method, fitted on the clusters."""
    return brief(method, bits, seed).fit(training_set(method))


def fit_returns_self(method: Method) -> None:
    """`fit` returns the method itself."""
    made = brief(method)
    assert made.fit(training_set(method)) is made


def encode_before_fit_is_refused(method: Method) -> None:
    """Encoding before `fit` raises NotFittedError."""
    try:
        brief(method).encode(clusters()[0])
    except NotFittedError:
        return
    raise AssertionError("encode worked before fit")


def codes_have_the_right_shape(method: Method) -> None:
    """N features give n codes of the asked length."""
    codes = fitted(method).encode(clusters()[0])
    assert (len(codes), codes.bits) == (_POINTS, _BITS)


def seeds_decide(method: Method) -> None:
    """The same seed gives the same codes; another seed other codes, if the card says so."""
    features = clusters()[0]
    first, second, other = (fitted(method, seed=s).encode(features) for s in (0, 0, 1))
    assert np.array_equal(first.packed, second.packed)
    assert np.array_equal(first.packed, other.packed) != method.card.is_seeded


def second_fit_forgets_the_first(method: Method) -> None:
    """Fitting on other data and again on the first gives the codes of the first."""
    features = clusters()[0]
    made = brief(method).fit(training_set(method, seed=1)).fit(training_set(method))
    assert np.array_equal(made.encode(features).packed, fitted(method).encode(features).packed)


def inputs_stay_unchanged(method: Method) -> None:
    """Neither `fit` nor `encode` changes its arguments."""
    train = training_set(method)
    before = train.features.clone()
    brief(method).fit(train).encode(train.features)
    assert torch.equal(train.features, before)


def one_by_one_equals_batch(method: Method) -> None:
    """An image's code does not depend on the images encoded with it."""
    made, features = fitted(method), clusters()[0][:20]
    single = np.concatenate([made.encode(row[None]).packed for row in features])
    assert np.array_equal(single, made.encode(features).packed)


def row_order_commutes(method: Method) -> None:
    """Permuted features give permuted codes."""
    made, features = fitted(method), clusters()[0]
    order = torch.randperm(_POINTS, generator=torch.Generator().manual_seed(3))
    assert np.array_equal(made.encode(features[order]).packed, made.encode(features)[order].packed)


def saving_keeps_the_codes(method: Method) -> None:
    """A saved and loaded method gives the same codes, bits and config."""
    made, features = fitted(method), clusters()[0]
    with tempfile.TemporaryDirectory() as folder:
        save_method(made, Path(folder))
        loaded = load_method(Path(folder))
    assert np.array_equal(made.encode(features).packed, loaded.encode(features).packed)
    assert (loaded.bits, loaded.seed, loaded.config) == (made.bits, made.seed, made.config)


def loss_stays_on_its_device(method: Method) -> None:
    """The loss of a batch on a GPU is computed there, in the first epoch and in a late one."""
    if not issubclass(method, DeepHashMethod):
        return
    for epoch in (1, _LATE):
        made = brief(method)
        assert isinstance(made, DeepHashMethod)
        try:
            devices = loss_on_gpu(made, training_set(method), epoch)
        except RuntimeError as error:
            raise AssertionError(f"the loss mixes devices: {error}") from error
        assert {*devices.values()} == {"cuda"}


def labels_are_used_as_declared(method: Method) -> None:
    """Supervised methods refuse a training set without labels; others ignore labels."""
    features, labels = clusters()
    views = training_set(method).views
    if method.card.supervision == "supervised":
        _refuses(lambda: brief(method).fit(TrainingSet(views)), "label")
        return
    with_labels = brief(method).fit(TrainingSet(views, labels)).encode(features)
    assert np.array_equal(with_labels.packed, fitted(method).encode(features).packed)


def other_label_kinds_are_handled(method: Method) -> None:
    """Multi-label training data is accepted, or refused by a message about labels."""
    if method.card.supervision != "supervised":
        return
    features, labels = clusters()
    both = TrainingSet((features,) * method.card.views, labels | labels.roll(1, dims=1))
    if "multi" in method.card.label_kinds:
        brief(method).fit(both)
    else:
        _refuses(lambda: brief(method).fit(both), "label")


def lengths_work_or_are_explained(method: Method) -> None:
    """Lengths from 8 to 256 bits work, or are refused by naming the longest code that works."""
    features, train = clusters()[0], training_set(method)

    def check(bits: int) -> None:
        assert brief(method, bits, epochs=2).fit(train).encode(features).bits == bits

    for bits in _LENGTHS:
        try:
            check(bits)
        except ValueError as error:
            named = re.search(r"use at most (\d+) bits", str(error))
            assert named, f"the message should say what to use: {error}"
            longest = int(named[1])
            assert longest < bits, error
            try:
                check(longest)
            except ValueError as second:
                raise AssertionError(f"{longest} bits do not work either: {second}") from second
            _refuses(partial(check, longest + 1), f"use at most {longest} bits")


def terms_are_named_and_finite(method: Method) -> None:
    """Logged epochs count up, and their loss terms have names and finite values."""
    epochs: list[EpochLog] = []
    brief(method).fit(training_set(method), on_epoch=epochs.append)
    assert [epoch.epoch for epoch in epochs] == list(range(1, len(epochs) + 1))
    for epoch in epochs:
        assert epoch.terms
        assert all(math.isfinite(value) for value in epoch.terms.values()), epoch.terms


def cancelling_stops(method: Method) -> None:
    """A callback that raises Cancelled ends `fit` at once."""
    seen = []

    def cancel(epoch: EpochLog) -> None:
        seen.append(epoch.epoch)
        raise Cancelled

    try:
        brief(method).fit(training_set(method), on_epoch=cancel)
    except Cancelled:
        assert seen == [1]
    else:
        assert not seen  # a method without epochs has nothing to cancel


def resuming_changes_nothing(method: Method) -> None:
    """A deep method that is stopped and resumes from its checkpoint ends with the same weights."""
    if not issubclass(method, DeepHashMethod):
        return
    train, kept = training_set(method), MemoryCheckpoints()
    config = method.Config.model_validate({"epochs": 6})

    def stop(epoch: EpochLog) -> None:
        if epoch.epoch == 4:
            raise Cancelled

    try:
        method(_BITS, config).fit(train, on_epoch=stop, checkpoints=kept)
    except Cancelled:
        assert kept.last is not None
        assert kept.last.epoch == 3
    resumed = method(_BITS, config).fit(train, checkpoints=kept)
    whole = method(_BITS, config).fit(train)
    assert all(torch.equal(resumed.state[name], whole.state[name]) for name in whole.state)


def bad_features_are_refused(method: Method) -> None:
    """NaN, a single image and features of another width are refused by a clear message."""
    train = training_set(method)
    nan = train.features.clone()
    nan[3, 5] = torch.nan
    _refuses(
        lambda: brief(method).fit(TrainingSet((nan,) * method.card.views, train.labels)), "NaN"
    )
    first_label = None if train.labels is None else train.labels[:1]
    _refuses(
        lambda: brief(method).fit(TrainingSet((nan[:1],) * method.card.views, first_label)),
        "images",
    )
    _refuses(lambda: fitted(method).encode(torch.zeros(2, _WIDTH + 1)), "features")


def unknown_keys_are_refused(method: Method) -> None:
    """A misspelt hyper-parameter is an error."""
    try:
        method.Config.model_validate({"no_such_key": 1})
    except ValidationError:
        return
    raise AssertionError("an unknown key was accepted")


def beats_lsh_on_clusters(method: Method) -> None:
    """Trained methods rank members of a cluster clearly better than LSH does."""
    if method.card.supervision == "data-independent":
        return
    assert cluster_map(method) >= cluster_map(LSH) + _MARGIN


def card_is_complete(method: Method) -> None:
    """The card names the method's file, authors and idea, and links a paper or explains."""
    card = method.card
    assert method.__module__ == f"models.methods.{card.name}"
    assert all((card.title, card.summary, card.authors, card.venue))
    assert 1950 < card.year < 2100
    assert card.paper.startswith("https://") or card.fidelity == "reconstruction"
    assert (card.label_kinds == ("none",)) == (card.supervision != "supervised")
    for name, field in method.Config.model_fields.items():
        assert field.description, f"{name} has no description"
        assert not field.is_required(), f"{name} has no default"


CHECKS: tuple[Callable[[Method], None], ...] = (
    fit_returns_self,
    encode_before_fit_is_refused,
    codes_have_the_right_shape,
    seeds_decide,
    second_fit_forgets_the_first,
    inputs_stay_unchanged,
    one_by_one_equals_batch,
    row_order_commutes,
    saving_keeps_the_codes,
    labels_are_used_as_declared,
    other_label_kinds_are_handled,
    lengths_work_or_are_explained,
    terms_are_named_and_finite,
    cancelling_stops,
    resuming_changes_nothing,
    loss_stays_on_its_device,
    bad_features_are_refused,
    unknown_keys_are_refused,
    beats_lsh_on_clusters,
    card_is_complete,
)


def cluster_map(method: Method) -> float:
    """Mean average precision of the cluster members' codes, each queried against all; 2 seeds."""
    features, labels = clusters()
    relevant = (labels.float() @ labels.float().T).bool().numpy()
    scores = []
    for seed in range(2):
        codes = method(_BITS, seed=seed).fit(training_set(method)).encode(features)
        scores.append(_mean_average_precision(codes, relevant))
    return float(np.mean(scores))


def _mean_average_precision(codes: HashCodes, relevant: np.ndarray) -> float:
    order = np.argsort(codes.hamming(codes), axis=1, kind="stable")
    hits = np.take_along_axis(relevant, order, axis=1)
    precision = hits.cumsum(axis=1) / np.arange(1, hits.shape[1] + 1)
    return float(((precision * hits).sum(axis=1) / hits.sum(axis=1)).mean())


def _refuses(action: Callable[[], object], word: str) -> None:
    try:
        action()
    except ValueError as error:
        assert word in str(error), f"the message should speak of {word!r}: {error}"
        return
    raise AssertionError(f"bad input was accepted; expected an error about {word}")
