"""DeepHashMethod: the head, what is on and off when encoding, and the hooks of training."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from models.deep import MEAN_NORM, DeepConfig, DeepHashMethod, build_head
from models.errors import Cancelled
from models.finetuning import drawn
from models.method import MethodCard, TrainingSet
from models.methods.csq import CSQ, CSQConfig
from models.storage import load_method, save_method


class Regression(DeepHashMethod):
    """Codes follow a learned point; records what the base class does."""

    card = MethodCard(
        name="regression",
        title="Regression",
        summary="For tests.",
        authors="",
        venue="",
        year=2024,
        paper="",
        supervision="unsupervised",
        fidelity="paper",
    )
    Config = DeepConfig

    def on_fit_start(self, train):
        self.epochs, self.norms = [], train.features.norm(dim=1)
        self.point = nn.Parameter(torch.zeros(self.bits))

    def on_epoch_start(self, epoch):
        self.epochs.append(epoch)

    def learnable(self):
        return [self.point]

    def loss(self, batch):
        assert batch.labels is None
        return {
            "distance": (batch.relaxed[0] - self.point).square().mean(),
            "pull": (self.point - 1).square().mean(),
        }


def features(n=21, d=6, seed=0):
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed)) * 3 + 2


def fitted(**options):
    config = DeepConfig(**({"epochs": 3, "batch": 8, "hidden": 16} | options))
    return Regression(4, config).fit(TrainingSet((features(),)))


@pytest.mark.parametrize(
    ("options", "layers"),
    [
        ({}, [nn.Linear, nn.ReLU, nn.Dropout, nn.Linear, nn.BatchNorm1d]),
        ({"batch_norm": False}, [nn.Linear, nn.ReLU, nn.Dropout, nn.Linear]),
        ({"dropout": 0}, [nn.Linear, nn.ReLU, nn.Linear, nn.BatchNorm1d]),
        ({"hidden": 0}, [nn.Dropout, nn.Linear, nn.BatchNorm1d]),
        ({"hidden": 0, "dropout": 0, "batch_norm": False}, [nn.Linear]),
    ],
)
def test_head_has_the_configured_layers_and_shapes(options, layers):
    config = DeepConfig(**({"hidden": 10} | options))
    head = build_head(7, 5, config)

    assert [type(layer) for layer in head] == layers
    assert head(torch.randn(3, 7)).shape == (3, 5)
    linear = [(m.in_features, m.out_features) for m in head if isinstance(m, nn.Linear)]
    assert linear == ([(7, 10), (10, 5)] if config.hidden else [(7, 5)])


def test_dropout_and_batch_norm_are_off_when_encoding():
    """Codes neither vary from call to call nor depend on the other images of the call."""
    method, inputs = fitted(dropout=0.9), features(seed=1)

    together = method.relax(inputs)
    alone = torch.cat([method.relax(row[None]) for row in inputs])

    assert torch.equal(together, method.relax(inputs))
    assert torch.allclose(together, alone, atol=1e-5)


def test_encoding_equals_the_head_written_out():
    """Linear head: tanh of the normalised W x + b, with the running statistics of training."""
    method, inputs = fitted(hidden=0, dropout=0), features(seed=1)
    state = method.state

    outputs = (inputs - state["mean"]) * state["scale"] @ state["head.0.weight"].T
    outputs = outputs + state["head.0.bias"] - state["head.1.running_mean"]
    outputs = outputs / (state["head.1.running_var"] + 1e-5).sqrt()
    expected = torch.tanh(outputs * state["head.1.weight"] + state["head.1.bias"])

    assert torch.allclose(method.relax(inputs), expected, atol=1e-5)


def test_training_sees_centred_features_of_a_fixed_mean_norm():
    method = fitted()

    assert method.norms.mean().item() == pytest.approx(MEAN_NORM, rel=1e-5)
    assert torch.allclose(method.state["mean"], features().mean(0))


def test_learnable_parameters_move_with_the_head():
    method = fitted()
    start = fitted(learning_rate=1e-12)

    assert (method.point > 0).all()
    assert not torch.allclose(method.state["head.0.weight"], start.state["head.0.weight"])


def test_epochs_are_announced_from_one_to_the_last():
    method = fitted(epochs=5)

    assert method.epochs == [1, 2, 3, 4, 5]


def test_a_cancelled_fit_leaves_the_method_as_it_was():
    method = fitted()
    before = method.relax(features())

    def cancel(log):
        raise Cancelled

    with pytest.raises(Cancelled):
        method.fit(TrainingSet((features(seed=2),)), on_epoch=cancel)

    assert torch.equal(method.relax(features()), before)


def test_torch_s_own_random_state_is_left_alone():
    """Neither training nor encoding draws from it, so what else is random does not shift."""
    torch.manual_seed(3)
    before = torch.get_rng_state()

    fitted().relax(features())

    assert torch.equal(torch.get_rng_state(), before)


def test_state_makes_the_same_codes_in_a_new_method():
    method = fitted()
    other = Regression(4, method.config)
    other.state = {name: tensor.clone() for name, tensor in method.state.items()}

    assert not any(tensor.requires_grad for tensor in method.state.values())
    assert torch.equal(other.relax(features()), method.relax(features()))


def test_saved_and_loaded_gives_the_same_codes(tmp_path):
    labels = torch.nn.functional.one_hot(torch.arange(21) % 3).bool()
    method = CSQ(8, CSQConfig(epochs=2, hidden=8)).fit(TrainingSet((features(),), labels))

    save_method(method, tmp_path)

    assert torch.equal(load_method(tmp_path).relax(features()), method.relax(features()))


def test_a_supervised_method_says_that_labels_are_missing():
    with pytest.raises(ValueError, match="CSQ is supervised and needs labels"):
        CSQ(8).fit(TrainingSet((features(),)))


def test_a_method_for_single_labels_refuses_several():
    class Single(CSQ):
        card = CSQ.card.model_copy(update={"label_kinds": ("single",)})

    with pytest.raises(ValueError, match="takes one label per image"):
        Single(8).fit(TrainingSet((features(),), torch.ones(21, 2).bool()))


class Contrast(Regression):
    """Takes views; records which the loss saw."""

    card = Regression.card.model_copy(update={"views": 5})

    def loss(self, batch):
        self.seen = [*getattr(self, "seen", []), batch.views]
        return {"distance": (batch.relaxed[0] - batch.relaxed[1]).square().mean()}


def views(n_views, **options):
    return TrainingSet(tuple(features(**options) + number for number in range(n_views)))


def test_without_augmented_views_the_plain_one_is_taken_and_nothing_is_drawn():
    generator = torch.Generator().manual_seed(0)
    before = generator.get_state()

    assert drawn(views(1).views, generator)[0] is not None
    assert torch.equal(generator.get_state(), before)


def test_each_step_gets_two_different_augmented_views():
    given = views(5).views
    generator = torch.Generator().manual_seed(0)

    pairs = {
        tuple(next(i for i, view in enumerate(given) if view is taken) for taken in pair)
        for pair in (drawn(given, generator) for _ in range(200))
    }

    assert pairs == {(i, j) for i in range(1, 5) for j in range(1, 5) if i != j}


def test_the_loss_sees_two_views_of_the_same_rows():
    """View v is the plain image plus v, scaled: two rows differ by the same number everywhere."""
    method = Contrast(4, DeepConfig(epochs=2, batch=8, hidden=0)).fit(views(5))

    for first, second in method.seen:
        gap = (first - second) / method.state["scale"]
        assert gap.abs().max() > 0.5
        assert torch.allclose(gap, gap[0, 0].expand_as(gap), atol=1e-4)


@pytest.mark.parametrize(
    ("train", "message"),
    [
        (views(1), "trains on 5 views of each image, the plain one and 4 augmented, got 1"),
        (TrainingSet((*views(4).views, features(n=20))), "views differ in shape"),
        (TrainingSet((*views(4).views, features() * torch.nan)), "NaN"),
    ],
)
def test_views_that_do_not_fit_are_refused(train, message):
    with pytest.raises(ValueError, match=message):
        Contrast(4).fit(train)
