"""RunSpec: complete, checked, and equal when it asks for the same."""

import json

import pytest
from pydantic import ValidationError

from pipeline.runs.spec import MAX_TRAIN, RunSpec, StoredSpec
from tests.factories import spec


def test_the_digest_of_a_spec_stays_what_it_was():
    """Finished runs are found by it: when this fails, old runs are not recognised any more."""
    wanted = RunSpec(dataset="shapes", method="lsh", bits=16, backbone="tiny")

    assert wanted.digest[:16] == "f6fc4e72d8bd9fa4"


def test_a_run_from_before_a_setting_keeps_its_digest_and_is_not_taken_for_one_of_today():
    today = RunSpec(dataset="shapes", method="ud2h", bits=8, backbone="tiny")
    added = {"lambda_n": 0.0, "sharpness": 6.0}
    config = {name: value for name, value in today.config.items() if name not in added}
    text = json.dumps(today.model_dump(mode="json") | {"config": config})

    before = StoredSpec.model_validate_json(text).spec

    assert {name: before.config[name] for name in added} == added
    assert before.digest[:16] == "a7e6430af2dffed7"
    assert before.digest != today.digest
    spelled_out = today.model_copy(update={"config": today.config | added})
    assert before.digest == spelled_out.digest


def test_defaults_are_filled_in_so_that_asking_for_them_is_the_same():
    plain, spelled_out = spec(), spec(config={"iterations": 50})

    assert plain.config == {"iterations": 50}
    assert plain.digest == spelled_out.digest
    assert plain == spelled_out


@pytest.mark.parametrize(
    "changes",
    [
        {"dataset": "other"},
        {"method": "lsh"},
        {"bits": 17},
        {"config": {"iterations": 51}},
        {"backbone": "efficientnet_lite0"},
        {"label_set": ""},
        {"protocol": "given"},
        {"seed": 1},
        {"split_seed": 1},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_every_field_changes_the_digest(changes):
    assert spec(**changes).digest != spec().digest


def test_a_spec_survives_its_json():
    wanted = spec(method="ud2h", config={"gamma": "1e-2", "rounds": 4})

    assert RunSpec.model_validate_json(wanted.model_dump_json()) == wanted
    assert json.loads(wanted.model_dump_json())["config"]["gamma"] == 0.01
    assert wanted.method_config().rounds == 4  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"method": "itqq"}, "unknown hash method 'itqq'. Did you mean 'itq'?"),
        ({"protocol": "holdoff"}, "unknown protocol 'holdoff'. Did you mean 'holdout'?"),
        ({"backbone": "tine"}, "unknown backbone 'tine'. Did you mean 'tiny'?"),
        ({"backbone": "torchvision:resnet51"}, "unknown torchvision network 'resnet51'"),
        (
            {"config": {"iteration": 3}},
            "unknown hyper-parameter of itq 'iteration'. Did you mean 'iterations'?",
        ),
        ({"config": {"iterations": -3}}, "greater than or equal to 0"),
        ({"config": {"iterations": "few"}}, "valid integer"),
        ({"bits": 0}, "greater than or equal to 1"),
        ({"bits": 257}, "less than or equal to 256"),
        ({"seed": -1}, "greater than or equal to 0"),
        ({"bit": 12}, "Extra inputs"),
        ({"dataset": "../elsewhere"}, "match pattern"),
        ({"dataset": "a/b"}, "match pattern"),
        ({"dataset": "shapes\n"}, "match pattern"),
        ({"dataset": ""}, "match pattern"),
    ],
)
def test_what_does_not_exist_is_refused_when_the_spec_is_made(changes, message):
    with pytest.raises(ValidationError) as error:
        spec(**changes)

    assert message in str(error.value)


def test_a_spec_knows_its_protocol_and_its_name_for_people():
    wanted = spec(method="ud2h", bits=48)

    assert wanted.evaluation_protocol().name == "holdout"
    assert wanted.label == "UD2H (reconstruction) · 48 bits"


def read_spec(text: str) -> RunSpec:
    return StoredSpec.model_validate_json(text).spec


def stored(**changes: object) -> str:
    return json.dumps(json.loads(spec(method="dpsh").model_dump_json()) | changes)


def test_a_stored_spec_of_today_is_the_one_that_was_asked_for():
    assert read_spec(stored()) == spec(method="dpsh")
    assert read_spec(stored()).problem() == ""


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"config": {"eta": 0.1, "momentum": 0.9}}, "hyper-parameter of dpsh 'momentum'"),
        ({"config": {"eta": -5.0}}, "eta: Input should be greater than or equal to 0"),
        ({"bits": 300}, "bits: Input should be less than or equal to 256"),
        ({"method": "gone", "config": {"a": 1}}, "unknown hash method 'gone'"),
        ({"backbone": "gone"}, "unknown backbone 'gone'"),
        ({"precision": "half"}, "precision: Extra inputs are not permitted"),
        ({"finetune": {"stages": -1}}, "finetune.stages: Input should be greater"),
        ({"finetune": {"stages": 2, "layers": 3}}, "finetune.layers: Extra inputs"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_was_asked_for_under_other_rules_is_read_but_cannot_be_asked_for(changes, problem):
    with pytest.raises(ValidationError):
        RunSpec.model_validate_json(stored(**changes))

    found = read_spec(stored(**changes))

    assert problem in found.problem()
    assert "\n" not in found.problem()
    config = changes.get("config")
    assert config is None or found.config == config
    assert found.label.endswith(f"{found.bits} bits") or found.finetune is not None
    assert found.digest != read_spec(stored()).digest
    assert found.digest == read_spec(stored(**changes)).digest


def test_what_a_stored_spec_lacks_is_filled_in_as_when_it_was_made():
    """Specs of versions without a setting equal those that ask for its default now."""
    old = json.loads(stored(config={"eta": 0.2}))
    for name in ("validation", "finetune", "split_seed"):
        old.pop(name, None)

    assert read_spec(json.dumps(old)) == spec(method="dpsh", config={"eta": 0.2})
    assert read_spec(json.dumps({"dataset": "shapes", "method": "itq"})) == RunSpec(
        dataset="shapes", method="itq"
    )


def test_a_stored_spec_is_completed_once():
    found = StoredSpec.model_validate_json(stored(precision="half"))

    assert found.spec is found.spec
    assert found.model_dump()["precision"] == "half"
    assert "spec" not in found.model_dump()


def test_a_field_that_is_gone_still_tells_two_specs_apart():
    tuned = {"stages": 2}
    one, other = (read_spec(stored(finetune=tuned | {"layers": n})) for n in (3, 4))

    assert len({one.digest, other.digest, read_spec(stored(finetune=tuned)).digest}) == 3
    assert one.model_copy(update={"seed": 1}).digest not in {one.digest, other.digest}


def test_a_method_that_is_gone_goes_by_its_bare_name():
    assert read_spec(stored(method="gone", config={})).label == "gone · 16 bits"


@pytest.mark.parametrize(
    "changes", [{"dataset": "../x"}, {"bits": 0}, {"bits": "many"}, {"protocol": "gone"}]
)
def test_what_no_result_can_be_read_without_is_refused(changes):
    with pytest.raises(ValueError, match=next(iter(changes))):
        read_spec(stored(**changes))


def test_the_most_training_images_are_part_of_the_digest_unless_they_are_the_usual() -> None:
    usual = spec()

    assert spec(max_train=MAX_TRAIN).digest == usual.digest
    assert spec(max_train=50).digest != usual.digest
    assert spec(max_train=0).digest != usual.digest
