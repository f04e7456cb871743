"""On a real GPU: the features, codes and checkpoints that the CPU gives. `pytest -m cuda`."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from models.backbones.registry import load_backbone
from models.checkpoint import MemoryCheckpoints
from models.contract import brief, training_set
from models.deep import DeepHashMethod
from models.errors import Cancelled
from models.registry import get_method, list_methods
from pipeline.runs.execute import execute
from pipeline.runs.registry import RunRegistry
from pipeline.settings import Settings
from tests.factories import spec

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no GPU"),
]
DEEP = [name for name in list_methods() if issubclass(get_method(name), DeepHashMethod)]


def pictures(count: int) -> list[Image.Image]:
    return [Image.effect_noise((256, 256), 10 + 5 * n).convert("RGB") for n in range(count)]


@pytest.mark.parametrize(("half", "tolerance"), [(False, 1e-4), (True, 1e-2)])
def test_features_are_those_of_the_cpu(half: bool, tolerance: float) -> None:
    images = pictures(8)
    expected = load_backbone("efficientnet_lite0").embed(images)

    found = load_backbone("efficientnet_lite0").on("cuda", half=half).embed(images)

    assert (found - expected).abs().max() <= tolerance * expected.abs().max()


@pytest.mark.parametrize("name", DEEP)
def test_every_deep_method_learns_as_well_as_on_the_cpu(name: str) -> None:
    """Dropout draws other numbers there, so codes differ, and losses hardly do."""
    last = {}
    for device in ("cpu", "cuda"):
        method, losses = brief(get_method(name)), []
        assert isinstance(method, DeepHashMethod)
        method.fit(
            training_set(type(method)),
            on_epoch=lambda log, losses=losses: losses.append(sum(log.terms.values())),
            device=device,
        )
        assert {tensor.device.type for tensor in method.state.values()} == {"cpu"}
        last[device] = losses[-1]
    assert last["cuda"] == pytest.approx(last["cpu"], rel=0.2, abs=0.05)


@pytest.mark.parametrize("name", ["dpsh", "dfadh", "adsh"])
def test_training_resumes_to_the_same_weights(name: str) -> None:
    method = get_method(name)
    whole = brief(method, epochs=4).fit(training_set(method), device="cuda")
    kept = MemoryCheckpoints()

    def stop(log: object) -> None:
        if getattr(log, "epoch") == 3:  # noqa: B009 - of an EpochLog
            raise Cancelled

    with pytest.raises(Cancelled):
        brief(method, epochs=4).fit(
            training_set(method), on_epoch=stop, checkpoints=kept, device="cuda"
        )
    resumed = brief(method, epochs=4).fit(training_set(method), checkpoints=kept, device="cuda")

    for key, tensor in whole.state.items():
        torch.testing.assert_close(resumed.state[key], tensor, rtol=1e-4, atol=1e-5)


def test_a_backbone_learns_on_the_gpu(own_library: Settings) -> None:
    settings = own_library.model_copy(update={"device": "cuda"})
    wanted = {"method": "dpsh", "config": {"epochs": 2, "batch": 8}, "finetune": {"stages": 0}}
    run = RunRegistry(settings).create(spec(**wanted))

    execute(run, settings)

    assert run.status().device.startswith("cuda (")
    assert np.isfinite(run.report().metrics["map"])
