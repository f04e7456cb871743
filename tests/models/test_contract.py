"""Every method keeps the contract, and the contract catches methods that do not."""

from __future__ import annotations

import pytest
import torch
from pydantic import Field

from models import contract
from models.contract import CHECKS
from models.method import HashMethod, MethodConfig, TrainingSet
from models.methods.dpsh import DPSH
from models.methods.itq import ITQ
from models.methods.lsh import LSH
from models.methods.pcah import PCAH
from models.registry import get_method, list_methods

CASES = [
    pytest.param(get_method(name), check, id=f"{name}: {check.__name__}")
    for name in list_methods()
    for check in CHECKS
]


@pytest.mark.parametrize(("method", "check"), CASES)
def test_method_keeps_the_contract(method, check):
    check(method)


class ReturnsNothing(LSH):
    def fit(self, train, **options):
        super().fit(train, **options)


class EncodesUnfitted(LSH):
    def encode(self, inputs):
        return LSH(self.bits).fit(TrainingSet((inputs,))).encode(inputs)


class DropsTheLastRow(LSH):
    def relax(self, inputs):
        return super().relax(inputs)[:-1]


class ForgetsTheSeed(LSH):
    def projection(self, centred, generator, on_epoch):
        return torch.randn(centred.shape[1], self.bits)


class IgnoresTheSeed(LSH):
    def projection(self, centred, generator, on_epoch):
        return super().projection(centred, torch.Generator().manual_seed(0), on_epoch)


class RemembersTheFirstFit(LSH):
    def fit(self, train, **options):
        return self if self.state else super().fit(train, **options)


class CentresInPlace(LSH):
    def fit(self, train, **options):
        train.features.sub_(train.features.mean(0))
        return super().fit(train, **options)


class ScalesQueriesInPlace(LSH):
    def relax(self, inputs):
        return super().relax(inputs.mul_(0.5))


class CentresOnTheBatch(LSH):
    def relax(self, inputs):
        return (inputs - inputs.mean(0)) @ self.state["projection"]


class DependsOnThePosition(LSH):
    def relax(self, inputs):
        return (
            super().relax(inputs) * torch.where(torch.arange(len(inputs)) % 2 == 0, 1, -1)[:, None]
        )


class KeepsSomethingUnsaved(ITQ):
    def fit(self, train, **options):
        super().fit(train, **options)
        self.flip = -1.0
        return self

    def relax(self, inputs):
        return super().relax(inputs) * getattr(self, "flip", 1.0)


class PeeksAtLabels(LSH):
    def fit(self, train, **options):
        super().fit(train, **options)
        if train.labels is not None:
            self.state["projection"] = -self.state["projection"]
        return self


class ClaimsToNeedLabels(LSH):
    card = LSH.card.model_copy(update={"supervision": "supervised", "label_kinds": ("single",)})


class CannotDoLongCodes(LSH):
    def fit(self, train, **options):
        if self.bits > 32:
            raise ValueError("matrix is singular")
        return super().fit(train, **options)


class NamesTooShortALength(LSH):
    def fit(self, train, **options):
        if self.bits > 32:
            raise ValueError("use at most 16 bits")
        return super().fit(train, **options)


class NamesTooLongALength(LSH):
    def fit(self, train, **options):
        if self.bits > 32:
            raise ValueError("use at most 40 bits")
        return super().fit(train, **options)


class LogsNaN(ITQ):
    def projection(self, centred, generator, on_epoch):
        def log(epoch):
            epoch.terms["quantization"] = float("nan")
            on_epoch(epoch)

        return super().projection(centred, generator, log)


class StartsCountingAtZero(ITQ):
    def projection(self, centred, generator, on_epoch):
        def log(epoch):
            on_epoch(type(epoch)(epoch.epoch - 1, epoch.n_epochs, epoch.terms, epoch.seconds))

        return super().projection(centred, generator, log)


class GoesOnAfterCancel(ITQ):
    def projection(self, centred, generator, on_epoch):
        def log(epoch):
            try:
                on_epoch(epoch)
            except BaseException as error:
                self.caught = error
                if epoch.epoch == 2:
                    raise

        return super().projection(centred, generator, log)


class CountsInPlainNumbers(DPSH):
    steps = 0

    def loss(self, batch):
        self.steps += 1
        return {name: term / self.steps for name, term in super().loss(batch).items()}


class KeepsSomethingElsewhere(DPSH):
    def on_fit_start(self, train):
        super().on_fit_start(train)
        self.shifts = [torch.zeros(self.bits)]

    def loss(self, batch):
        terms = super().loss(batch)
        return terms | {"shift": (batch.relaxed[0] - self.shifts[0]).mean()}


class AcceptsNaN(LSH):
    def fit(self, train, **options):
        return super().fit(TrainingSet((train.features.nan_to_num(),)), **options)


class LooseConfig(MethodConfig, extra="ignore"):
    depth: int = Field(1, description="Layers.")


class IgnoresMisspeltKeys(LSH):
    Config = LooseConfig


class LearnsNothing(PCAH):
    def projection(self, centred, generator, on_epoch):
        return torch.randn(centred.shape[1], self.bits, generator=torch.Generator().manual_seed(1))


class SilentConfig(MethodConfig):
    depth: int = 1


class DescribesNothing(LSH):
    Config = SilentConfig


BAD = (
    (ReturnsNothing, contract.fit_returns_self),
    (EncodesUnfitted, contract.encode_before_fit_is_refused),
    (DropsTheLastRow, contract.codes_have_the_right_shape),
    (ForgetsTheSeed, contract.seeds_decide),
    (IgnoresTheSeed, contract.seeds_decide),
    (RemembersTheFirstFit, contract.second_fit_forgets_the_first),
    (CentresInPlace, contract.inputs_stay_unchanged),
    (ScalesQueriesInPlace, contract.inputs_stay_unchanged),
    (CentresOnTheBatch, contract.one_by_one_equals_batch),
    (DependsOnThePosition, contract.row_order_commutes),
    (KeepsSomethingUnsaved, contract.saving_keeps_the_codes),
    (PeeksAtLabels, contract.labels_are_used_as_declared),
    (ClaimsToNeedLabels, contract.labels_are_used_as_declared),
    (ClaimsToNeedLabels, contract.other_label_kinds_are_handled),  # takes several all the same
    (CannotDoLongCodes, contract.lengths_work_or_are_explained),
    (NamesTooShortALength, contract.lengths_work_or_are_explained),
    (NamesTooLongALength, contract.lengths_work_or_are_explained),
    (LogsNaN, contract.terms_are_named_and_finite),
    (StartsCountingAtZero, contract.terms_are_named_and_finite),
    (GoesOnAfterCancel, contract.cancelling_stops),
    (CountsInPlainNumbers, contract.resuming_changes_nothing),
    (KeepsSomethingElsewhere, contract.loss_stays_on_its_device),
    (AcceptsNaN, contract.bad_features_are_refused),
    (IgnoresMisspeltKeys, contract.unknown_keys_are_refused),
    (LearnsNothing, contract.beats_lsh_on_clusters),
    (DescribesNothing, contract.card_is_complete),
)


@pytest.mark.parametrize(
    ("bad", "check"), BAD, ids=[f"{bad.__name__}: {check.__name__}" for bad, check in BAD]
)
def test_the_contract_catches(bad: type[HashMethod], check):
    with pytest.raises(AssertionError):
        check(bad)


def test_every_check_catches_something():
    assert {*CHECKS} == {check for _, check in BAD}


def test_every_check_says_in_a_sentence_what_it_checks():
    assert all((check.__doc__ or "").rstrip().endswith(".") for check in CHECKS)
