"""Train in every state, in process."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from pipeline.runs.registry import RunRegistry
from pipeline.runs.spec import RunSpec
from pipeline.settings import Settings
from tests.dashboard.pages import OpenApp, button, texts
from tests.factories import unlabelled


@pytest.fixture(autouse=True)
def _no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HASHLENS_START_WORKER", "0")


def train_page(open_app: OpenApp, home: Path, *methods: str) -> AppTest:
    """The page with the network that the small library has features of, and only these methods."""
    app = open_app(home, "train")
    app.selectbox(key="backbone").select("tiny").run()
    for name in chosen(app).symmetric_difference(methods):
        app.checkbox(key=f"method_{name}").set_value(name in methods)
    return app.run()


def chosen(app: AppTest) -> set[str]:
    """Names of the methods whose boxes are ticked."""
    return {one.key.removeprefix("method_") for one in app.checkbox if one.value}


def queued(home: Path, sweep: str = "", **changes: object) -> str:
    usual = {"dataset": "shapes", "method": "dpsh", "bits": 12, "backbone": "tiny"}
    spec = RunSpec.model_validate({**usual, "label_set": "class", **changes})
    return RunRegistry(Settings(home=home)).create(spec, sweep).id


def test_without_a_data_set_both_pages_say_what_to_do(open_app: OpenApp, tmp_path: Path) -> None:
    for page, words in (("train", "The library is empty"), ("runs", "No runs yet")):
        app = open_app(tmp_path / "nothing", page)
        assert not app.exception
        assert app.subheader[0].value == words


def test_a_plan_is_priced_and_shown_as_a_command(open_app: OpenApp, own_home: Path) -> None:
    app = train_page(open_app, own_home, "itq", "lsh")

    assert not app.exception
    assert "**2 new runs** · under 1 s" in texts(app)
    assert "Features of tiny are stored already. Training is estimated from past runs" in texts(app)
    assert "--methods itq,lsh --bits 16" in app.code[0].value
    assert '"method": "itq"' in app.code[1].value


def test_a_network_of_torchvision_can_be_chosen(open_app: OpenApp, own_home: Path) -> None:
    app = open_app(own_home, "train")
    app.selectbox(key="backbone").select("torchvision:NAME").run()
    app.text_input(key="network").set_value("resnett18").run()
    assert not app.exception
    assert "unknown torchvision network 'resnett18'. Did you mean 'resnet18'?" in texts(app)

    app.text_input(key="network").set_value("resnet18").run()

    assert not app.exception
    assert any("--backbone torchvision:resnet18" in one.value for one in app.code)


def test_the_page_opens_with_the_recommended_methods_chosen_and_can_start_at_once(
    open_app: OpenApp, own_home: Path
) -> None:
    app = open_app(own_home, "train")

    assert not app.exception
    assert chosen(app) == {"itq", "ud2h", "orthohash"}
    start = button(app, "Start 3 runs")
    assert not start.disabled
    assert [one.key for one in app.checkbox][:3] == [
        "method_itq",
        "method_ud2h",
        "method_orthohash",
    ]
    assert "It needs no labels and trains in seconds" in texts(app)
    assert "have to be computed for 60 images, at 30 ms each (assumed" in texts(app)


def test_a_method_that_is_there_is_greyed_with_the_way_to_its_run(
    open_app: OpenApp, own_home: Path
) -> None:
    run_id = queued(own_home, method="itq")
    app = train_page(open_app, own_home, "itq", "lsh")
    assert not app.checkbox(key="method_itq").disabled  # of 16 bits there is none

    app.button_group(key="bits").set_value([12]).run()

    assert not app.exception
    assert app.checkbox(key="method_itq").disabled
    assert "Waiting or in training" in texts(app)
    assert "--methods lsh --bits 12" in app.code[0].value
    app.button(key="open_itq").click().run()
    assert app.query_params["job"] == run_id
    assert app.title[0].value == "Runs"


def test_with_settings_by_hand_the_plan_says_what_is_there(
    open_app: OpenApp, own_home: Path
) -> None:
    queued(own_home, method="itq")
    app = train_page(open_app, own_home, "itq")
    app.button_group(key="preset").set_value("Custom")
    app.button_group(key="bits").set_value([12]).run()

    assert "**0 new runs** · 1 waiting or running" in texts(app)
    assert button(app, "Start").disabled


def test_where_all_recommended_are_there_the_next_method_is_chosen(
    open_app: OpenApp, own_home: Path
) -> None:
    for name in ("itq", "ud2h", "orthohash"):
        queued(own_home, method=name, bits=16, backbone="efficientnet_lite0")

    app = open_app(own_home, "train")

    assert len(chosen(app)) == 1
    assert not button(app, "Start 1 run").disabled


def test_a_search_hides_methods_and_forgets_no_choice(open_app: OpenApp, own_home: Path) -> None:
    app = train_page(open_app, own_home, "lsh", "dpsh")

    app.text_input(key="method_search").set_value("hashnet ICCV").run()
    assert [one.key for one in app.checkbox] == ["method_hashnet"]
    app.checkbox(key="method_hashnet").check().run()
    app.text_input(key="method_search").set_value("no such words").run()
    assert "No method has these words." in texts(app)
    app.text_input(key="method_search").set_value("").run()

    assert not app.exception
    assert chosen(app) == {"lsh", "dpsh", "hashnet"}


def test_starting_queues_the_runs(open_app: OpenApp, own_home: Path) -> None:
    app = train_page(open_app, own_home, "itq", "dpsh")
    app.button_group(key="preset").set_value("Quick").run()
    before = len(RunRegistry(Settings(home=own_home)).all())

    button(app, "Start 2 runs").click().run()

    assert not app.exception
    runs = RunRegistry(Settings(home=own_home)).all()
    assert len(runs) == before + 2
    assert {run.spec.config.get("epochs") for run in runs if run.state() == "queued"} == {5, None}


def test_settings_by_hand_are_checked_by_the_pipeline(open_app: OpenApp, own_home: Path) -> None:
    app = train_page(open_app, own_home, "itq")
    app.button_group(key="preset").set_value("Custom").run()
    assert app.number_input(key="set_itq_iterations").value == 50

    app.number_input(key="set_itq_iterations").set_value(7).run()
    assert "--set itq.iterations=7" in app.code[0].value

    app.selectbox(key="vary").select("iterations").run()
    app.text_input(key="vary_iterations").set_value("5, many").run()
    assert app.error
    assert button(app, "Start").disabled


def test_methods_that_cannot_train_here_say_why(open_app: OpenApp, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "bare", threads=1)
    unlabelled(settings)

    app = open_app(settings.home, "train")

    assert not app.exception
    assert app.checkbox(key="method_dpsh").disabled
    assert not app.checkbox(key="method_itq").disabled
    assert "DPSH needs labels, and 'bare' has none" in texts(app)


def test_methods_without_gradients_cannot_fine_tune(open_app: OpenApp, own_home: Path) -> None:
    app = train_page(open_app, own_home, "itq")
    assert app.toggle(key="finetune").disabled

    app.checkbox(key="method_itq").uncheck()
    app.checkbox(key="method_dpsh").check().run()
    app.toggle(key="finetune").set_value(True).run()

    assert "--tune stages=3" in app.code[0].value


def test_what_to_find_is_asked_and_becomes_the_setting_of_the_method(
    open_app: OpenApp, own_home: Path
) -> None:
    app = train_page(open_app, own_home, "ud2h")
    assert "UD2H" in texts(app)

    app.select_slider(key="train_find").set_value("both").run()

    assert not app.exception
    assert "--grid find=both" in app.code[0].value
    assert '"find": "both"' in app.code[1].value


def test_every_choice_is_a_run_of_its_own(open_app: OpenApp, own_home: Path) -> None:
    app = train_page(open_app, own_home, "ud2h", "itq")

    app.toggle(key="train_every_find").set_value(True).run()

    assert "**6 new runs**" in texts(app)  # five of UD2H, and ITQ has no such setting


def test_a_choice_that_no_method_hears_is_said(open_app: OpenApp, own_home: Path) -> None:
    app = train_page(open_app, own_home, "itq")

    app.select_slider(key="train_find").set_value("same thing").run()

    assert "which is not chosen" in texts(app)
    assert "find" not in app.code[0].value


def test_examples_say_why_there_are_none(open_app: OpenApp, own_home: Path) -> None:
    app = open_app(own_home, "train")
    app.session_state["find_examples_open"] = True
    app.run()

    assert not app.exception
