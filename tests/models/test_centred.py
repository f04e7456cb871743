"""Features around their mean, of which a block exists a second time."""

import pytest
import torch

import models.centred
from models.centred import Centred


@pytest.fixture(params=[7, 100], ids=["several blocks", "one block"])
def features(request, monkeypatch):
    monkeypatch.setattr(models.centred, "_BLOCK", request.param)
    return 5 + torch.randn(30, 4, generator=torch.Generator().manual_seed(0))


def test_rows_products_and_covariance_are_those_of_the_centred_copy(features):
    centred, copy = Centred.of(features), features - features.mean(0)
    matrix = torch.randn(4, 3, generator=torch.Generator().manual_seed(1))

    assert (len(centred), centred.width) == (30, 4)
    assert torch.equal(centred[torch.tensor([8, 2])], copy[[8, 2]])
    assert torch.allclose(centred @ matrix, copy @ matrix, atol=1e-5)
    expected = torch.cov(copy.T.double(), correction=0)
    assert torch.allclose(centred.covariance(), expected, atol=1e-5)
    assert centred.mean_norm() == pytest.approx(copy.norm(dim=1).mean().item())


def test_what_is_centred_already_stays_as_it_is(features):
    assert torch.equal(Centred.already(features)[:], features)
