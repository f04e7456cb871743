"""Saved methods: what was written comes back; anything else is refused, and nothing is executed."""

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from models.errors import NotFittedError
from models.method import TrainingSet
from models.methods.itq import ITQ, ITQConfig
from models.methods.ud2h import UD2H
from models.storage import load_method, save_method

FEATURES = torch.randn(40, 12, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def saved(tmp_path):
    method = ITQ(8, ITQConfig(iterations=3), seed=5).fit(TrainingSet((FEATURES,)))
    save_method(method, tmp_path / "model")
    return tmp_path / "model"


def rewrite_config(folder, **changes):
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | changes), "utf-8")


def rewrite_weights(folder, change):
    state = load_file(folder / "weights.safetensors")
    change(state)
    save_file(state, folder / "weights.safetensors")


def test_a_loaded_method_gives_the_same_codes_with_the_same_settings(saved):
    original = ITQ(8, ITQConfig(iterations=3), seed=5).fit(TrainingSet((FEATURES,)))

    loaded = load_method(saved)

    assert np.array_equal(loaded.encode(FEATURES).packed, original.encode(FEATURES).packed)
    assert repr(loaded) == repr(original)


def test_only_json_and_tensors_are_written(saved):
    assert sorted(path.name for path in saved.iterdir()) == ["config.json", "weights.safetensors"]


def test_a_method_fitted_beyond_the_bounds_of_today_gives_its_codes(saved):
    rewrite_config(saved, config={"iterations": -1})
    assert ITQConfig.model_json_schema()["properties"]["iterations"]["minimum"] == 0

    original = ITQ(8, ITQConfig(iterations=3), seed=5).fit(TrainingSet((FEATURES,)))

    assert np.array_equal(
        load_method(saved).encode(FEATURES).packed, original.encode(FEATURES).packed
    )


def test_a_method_fitted_with_a_setting_that_is_gone_does_not_encode(saved):
    """What the setting did to the codes is not known: wrong codes would come without a word."""
    rewrite_config(saved, config={"iterations": 3, "whiten": True})

    with pytest.raises(ValueError, match="fitted with whiten, which ITQ does not have"):
        load_method(saved)


def test_an_unfitted_method_is_not_saved(tmp_path):
    with pytest.raises(NotFittedError, match="ITQ must be fitted"):
        save_method(ITQ(8), tmp_path / "model")

    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"format": 2}, "format 2, this version reads 1"),
        ({"method": "itqq"}, "Did you mean 'itq'"),
        ({"method": ["itq"]}, "cannot load"),
        ({"bits": 0}, "between 1 and 256"),
        ({"bits": "8"}, "cannot load"),
        ({"bits": 9}, "8-bit codes, config.json says 9"),
        ({"config": {"iterations": "many"}}, "iterations"),
        ({"config": {"rounds": 1}}, "rounds"),
        ({"config": None}, "cannot load"),
    ],
)
def test_a_changed_config_is_refused_by_name(saved, changes, reason):
    rewrite_config(saved, **changes)

    with pytest.raises(ValueError, match=reason) as error:
        load_method(saved)

    assert str(saved) in str(error.value)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "\ud800".encode("utf-8", "surrogatepass")])
def test_a_config_that_is_no_record_is_refused(saved, text):
    (saved / "config.json").write_bytes(text if isinstance(text, bytes) else text.encode())

    with pytest.raises(ValueError, match="cannot load the hash method"):
        load_method(saved)


@pytest.mark.parametrize(
    "change",
    [
        lambda state: state.pop("mean"),
        lambda state: state.pop("projection"),
        lambda state: state.update(projection=torch.zeros(11, 8)),
        lambda state: state.update(projection=torch.zeros(12, 7)),
        lambda state: state.update(projection=torch.full((12, 8), torch.nan)),
        lambda state: state.update(mean=torch.zeros(12, dtype=torch.int64).double()),
        lambda state: state.clear(),
    ],
    ids=["no mean", "no projection", "narrow", "short", "NaN", "other type", "empty"],
)
def test_weights_that_do_not_fit_are_refused_when_loading_not_when_searching(saved, change):
    rewrite_weights(saved, change)

    with pytest.raises(ValueError, match="cannot load the hash method"):
        load_method(saved)


@pytest.mark.parametrize("name", ["config.json", "weights.safetensors"])
def test_a_missing_file_is_named(saved, name):
    (saved / name).unlink()

    with pytest.raises(ValueError, match=name):
        load_method(saved)


@pytest.mark.parametrize("content", [b"", b"\x00" * 64, b"PK\x03\x04 not tensors"])
def test_damaged_weights_are_refused(saved, content):
    (saved / "weights.safetensors").write_bytes(content)

    with pytest.raises(ValueError, match="cannot load the hash method"):
        load_method(saved)


class Trap:
    """Leaves a mark where it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self):
        return Path.touch, (self.mark,)


@pytest.mark.parametrize("name", ["config.json", "weights.safetensors"])
def test_a_pickle_in_place_of_a_file_is_refused_and_never_runs(saved, tmp_path, name):
    mark = tmp_path / "unpickled"
    pickle.loads(pickle.dumps(Trap(mark)))  # the trap works
    mark.unlink()
    (saved / name).write_bytes(pickle.dumps(Trap(mark)))

    with pytest.raises(ValueError, match="cannot load the hash method"):
        load_method(saved)

    assert not mark.exists()


def test_a_setting_of_earlier_versions_that_shaped_the_fit_alone_does_not_keep_it_from_encoding(
    tmp_path,
):
    method = UD2H(8).fit(TrainingSet((FEATURES,)))
    save_method(method, tmp_path / "model")
    config = json.loads((tmp_path / "model" / "config.json").read_text("utf-8"))["config"]
    rewrite_config(tmp_path / "model", config=config | {"neighbour_bits": 2})

    loaded = load_method(tmp_path / "model")

    assert np.array_equal(loaded.encode(FEATURES).packed, method.encode(FEATURES).packed)
    rewrite_config(tmp_path / "model", config=config | {"other_bits": 2})
    with pytest.raises(ValueError, match="fitted with other_bits"):
        load_method(tmp_path / "model")
