"""A backbone that learns with the head: what is unfrozen, what it sees, and that it can go on."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from pydantic import ValidationError
from safetensors.torch import load_file

from models.backbones.registry import load_backbone
from models.checkpoint import MemoryCheckpoints
from models.errors import Cancelled
from models.finetuning import Source, TrainableBackbone, stages, unfreeze
from models.finetuning_config import FineTuning
from models.method import TrainingSet
from models.methods.cibhash import CIBHash, CIBHashConfig
from models.methods.dhd import DHD, DHDConfig
from models.methods.dpsh import DPSH, DPSHConfig
from pipeline.evaluation.metrics import average_precision
from pipeline.evaluation.ranking import hamming_histograms
from tests.factories import ROOT, write_textures
from tests.models.small_network import backbone, dpsh, learned, train, trunk, weights


def test_the_last_stages_learn_and_the_others_stay() -> None:
    network = backbone()
    before = weights(network)
    learning = unfreeze(backbone().network, 2)

    dpsh().fit(train(network), trunk=trunk(network, stages=2, learning_rate=0.01))

    changed = {name for name, value in weights(network).items() if not value.equal(before[name])}
    assert changed
    assert changed <= {*learning}
    assert len(learning) < len(before)


def test_all_stages_can_learn() -> None:
    network = backbone()
    assert len(unfreeze(network.network, 0)) == len(weights(network))
    assert len(stages(network.network)) > 3


def test_more_stages_than_there_are_is_refused_with_their_number() -> None:
    network = backbone()
    with pytest.raises(ValueError, match=r"has \d+ stages that can learn, got 99"):
        trunk(network, stages=99)


@pytest.mark.parametrize("bad", [{"stages": -1}, {"accumulate": 0}, {"learning_rate": 0}, {"x": 1}])
def test_settings_without_a_meaning_are_refused(bad: dict[str, float]) -> None:
    with pytest.raises(ValidationError, match=next(iter(bad))):
        FineTuning.model_validate(bad)


def test_the_loss_falls_further_than_with_a_frozen_backbone() -> None:
    last = {}
    for is_tuned in (False, True):
        network = backbone()
        logs = []
        dpsh(15).fit(
            train(network),
            on_epoch=logs.append,
            trunk=trunk(network, augment=False, learning_rate=0.003) if is_tuned else None,
        )
        last[is_tuned] = sum(logs[-1].terms.values())

    assert last[True] < last[False]


def test_accuracy_moves_when_the_backbone_learns(tmp_path: Path) -> None:
    """Random features hardly tell textures apart (chance is 0.25); features that learn do."""
    pictures, classes = textures(write_textures(tmp_path / "textures", per_class=40, pixels=32))
    test = torch.arange(len(pictures)) % 2 == 1
    labels = torch.nn.functional.one_hot(classes).bool()
    scores = []
    for is_tuned in (False, True):
        network = backbone()
        with torch.inference_mode():
            features = network.network(pictures[~test]).clone()
        source = TrainableBackbone(
            network,
            lambda rows, view: pictures[~test][rows],
            FineTuning(stages=0, augment=False, learning_rate=3e-3),
        )
        method = DPSH(16, DPSHConfig(epochs=25, batch=16, hidden=0, dropout=0)).fit(
            TrainingSet((features,), labels[~test]), trunk=source if is_tuned else None
        )
        with torch.inference_mode():
            queries, others = (network.network(pictures[part]).clone() for part in (test, ~test))
        counts = hamming_histograms(
            method.encode(queries),
            method.encode(others),
            labels[test].numpy(),
            labels[~test].numpy(),
        )
        scores.append(average_precision(counts).mean())

    assert scores[1] > scores[0] + 0.15


def textures(root: Path) -> tuple[torch.Tensor, torch.Tensor]:
    """The images in [-1, 1] and the number of each one's class."""
    paths = sorted(root.rglob("*.png"))
    names = sorted({path.parent.name for path in paths})
    arrays = [np.asarray(Image.open(path), np.float32).transpose(2, 0, 1) for path in paths]
    classes = torch.tensor([names.index(path.parent.name) for path in paths])
    return torch.from_numpy(np.stack(arrays) / 127.5 - 1), classes


def test_views_change_with_the_epoch_and_are_plain_when_asked() -> None:
    network = backbone()
    seen: list[int] = []
    dpsh(2, batch=12).fit(train(network), trunk=trunk(network, seen))
    dpsh(2, batch=12).fit(train(network), trunk=trunk(network, seen, augment=False))

    assert seen == [1, 2, 0, 0]


def test_contrastive_methods_get_two_new_views_every_epoch() -> None:
    network = backbone()
    seen: list[int] = []
    views = train(network).views * CIBHash.card.views
    method = CIBHash(8, CIBHashConfig(epochs=2, batch=12))

    method.fit(TrainingSet(views), trunk=trunk(network, seen, augment=False))

    assert seen == [1, 2, 3, 4]


def test_a_teacher_sees_the_plain_image_and_its_student_a_new_view_every_epoch() -> None:
    network = backbone()
    seen: list[int] = []
    views = train(network).views * DHD.card.views
    method = DHD(8, DHDConfig(epochs=2, batch=12))

    method.fit(TrainingSet(views, train(network).labels), trunk=trunk(network, seen, augment=False))

    assert seen == [0, 1, 0, 2]


def test_targets_made_from_features_do_not_follow_the_loss() -> None:
    network = backbone()

    class Looks(DPSH):
        def loss(self, batch):
            assert batch.relaxed[0].requires_grad
            assert not batch.views[0].requires_grad
            return super().loss(batch)

    Looks(8, dpsh().config).fit(train(network), trunk=trunk(network))


def test_a_stopped_training_goes_on_to_the_same_weights() -> None:
    def fitted(kept: MemoryCheckpoints, until: int = 99) -> tuple[DPSH, dict[str, torch.Tensor]]:
        network = backbone()

        def stop(log) -> None:
            if log.epoch == until:
                raise Cancelled

        method = dpsh(5, dropout=0.3)
        method.fit(train(network), on_epoch=stop, checkpoints=kept, trunk=trunk(network))
        return method, weights(network)

    whole, expected = fitted(MemoryCheckpoints())
    kept = MemoryCheckpoints()
    with pytest.raises(Cancelled):
        fitted(kept, until=3)

    resumed, found = fitted(kept)

    assert all(resumed.state[name].equal(value) for name, value in whole.state.items())
    assert all(found[name].equal(value) for name, value in expected.items())


def test_accumulated_gradients_make_the_step_of_the_whole_batch() -> None:
    """A loss that is a mean over images: four batches of 3, averaged, are one of 12."""
    found = []
    for batch, accumulate in ((12, 1), (3, 4)):

        class Mean(DPSH):
            def loss(self, batch):
                return {"mean": (batch.relaxed[0] - 0.5).square().mean()}

        own = backbone()
        config = DPSHConfig(hidden=0, dropout=0, batch_norm=False, batch=batch, epochs=1)
        Mean(8, config).fit(
            train(own), trunk=trunk(own, augment=False, accumulate=accumulate, learning_rate=0.01)
        )
        found.append(weights(own))

    for name, value in found[0].items():
        assert torch.allclose(value, found[1][name], atol=1e-4), name


@pytest.mark.flaky(reruns=2)  # gloo's threads sometimes abort a process that has finished
def test_two_processes_end_with_the_weights_of_one(tmp_path: Path) -> None:
    """torchrun with gloo; 12 images in batches of 5, so that the parts differ in size."""
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    ended = subprocess.run(
        [sys.executable, *launcher, "-m", "tests.models.small_network", str(tmp_path / "two")],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr

    start, alone = weights(backbone()), learned()
    first, second = (load_file(tmp_path / name) for name in ("two.0", "two.1"))
    close = []  # Adam turns the last digits of a gradient that is nearly 0 into a whole step
    for name, value in alone.items():
        assert torch.equal(first[name], second[name]), name
        close.append(torch.isclose(first[name], value, atol=2e-4).flatten())
    assert torch.cat(close).float().mean() > 0.98
    assert max((alone[name] - value).abs().max() for name, value in start.items()) > 2e-3


def test_a_source_without_views_is_refused_when_it_is_made():
    class Nothing(Source):
        pass

    with pytest.raises(TypeError, match="views"):
        Nothing()


def test_what_only_wraps_a_network_is_no_stage() -> None:
    network = load_backbone("tiny").network
    wrapped = torch.nn.Module()
    wrapped.network = network

    assert stages(wrapped) == stages(network)
    assert len(stages(network)) > 1
