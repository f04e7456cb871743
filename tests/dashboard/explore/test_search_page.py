"""Search in every state, in process: first run, normal, and each problem."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from dashboard import cached
from dashboard.services.run_choices import run_choices
from pipeline.analysis.opened_run import open_run
from pipeline.files import write_atomic
from pipeline.index.index_jobs import requested, serve
from pipeline.index.publish import read_index
from pipeline.index.store.opening import open_store
from pipeline.runs.registry import RunRegistry
from pipeline.settings import Settings
from pipeline.watch.measures import REGISTRY
from tests.dashboard.pages import HOSTILE, OpenApp, button, png, publish_on, published_run, texts
from tests.qdrant_stub import NO_COPIES, QdrantStub


def lsh_slug(home: Path) -> str:
    return next(
        one.slug for one in run_choices(Settings(home=home), "shapes") if "LSH" in one.label
    )


def test_a_data_set_without_runs_offers_to_train_and_names_the_command(
    open_app: OpenApp, own_home: Path
):
    for run in RunRegistry(Settings(home=own_home)).all():
        RunRegistry(Settings(home=own_home)).delete(run)

    app = open_app(own_home)

    assert not app.exception
    assert any(one.label == "Train three recommended" for one in app.button)
    assert app.code[0].value.startswith("python -m pipeline sweep --dataset shapes --methods ")


def test_search_opens_with_results_of_an_example(open_app: OpenApp, shared_home: Path):
    app = open_app(shared_home)

    assert not app.exception
    assert "**24 nearest** :gray[· 59 images searched" in texts(app)
    assert "index of all 60 imported images" in texts(app)
    assert [metric.label for metric in app.metric] == [
        "P@10",
        "P@100",
        "Relevant within 2 bits",
        "Relevant images",
    ]
    assert app.query_params["q"].startswith("ds:")
    assert not app.error


def test_a_search_of_the_page_is_counted(open_app: OpenApp, shared_home: Path):
    def count() -> tuple[float, float]:
        labels = {"asker": "page", "kind": "id", "outcome": "index"}
        value = REGISTRY.get_sample_value
        return (
            value("hashlens_searches_total", labels) or 0,
            value("hashlens_search_seconds_count") or 0,
        )

    before = count()
    open_app(shared_home)

    assert count() == (before[0] + 1, before[1] + 1)


def test_the_sidebar_says_which_run_and_that_its_index_is_ready(
    open_app: OpenApp, shared_home: Path
):
    app = open_app(shared_home)

    assert "ITQ · 12 bits · mAP" in app.sidebar.selectbox(key="run").options[0]
    assert "Index ready · 60 codes" in app.sidebar.markdown[0].value


def test_a_link_restores_query_mode_and_radius(open_app: OpenApp, shared_home: Path):
    app = open_app(shared_home, q="ds:5", mode="Radius", r="12")

    assert app.query_params["q"] == "ds:5"
    assert "within 12 bits" in texts(app)


def test_the_headline_counts_all_images_within_a_distance(open_app: OpenApp, shared_home: Path):
    app = open_app(shared_home, q="ds:5", max="12")
    assert "**59 images within 12 bits** · nearest 24 shown" in texts(app)

    app.segmented_control(key="show").set_value("Relevant").run()
    assert re.search(r"within 12 bits\*\* · \d+ of the nearest 24 shown", texts(app))

    app.segmented_control(key="show").set_value("All").run()
    app.segmented_control(key="k").set_value(200).run()
    assert "**59 images within 12 bits** :gray" in texts(app)


def test_a_request_with_an_older_address_undoes_no_choice(open_app: OpenApp, shared_home: Path):
    """The browser may send it before it hears of the last choice, most of all where it polls."""
    app = open_app(shared_home, q="ds:5")
    before = {name: app.query_params[name] for name in ("run", "q")}
    app.sidebar.selectbox(key="run").select_index(1).run()
    next(one for one in app.button if one.label == "Random query").click().run()
    chosen = {name: app.query_params[name] for name in ("run", "q")}
    assert all(chosen[name] != before[name] for name in chosen)

    for name, older in before.items():
        app.query_params[name] = older
    app.run()

    assert {name: app.query_params[name] for name in ("run", "q")} == chosen


def test_links_name_data_set_and_run_in_short(open_app: OpenApp, shared_home: Path):
    lsh = open_app(shared_home).sidebar.selectbox(key="run")
    app = open_app(shared_home)
    assert app.query_params["ds"] == "shapes"
    assert app.query_params["run"].startswith("itq-12b-")

    app.sidebar.selectbox(key="run").select_index(1).run()
    link = app.query_params["run"]

    assert link.startswith("lsh-8b-")
    again = open_app(shared_home, run=link)
    assert again.sidebar.selectbox(key="run").value == link
    assert lsh.value != link


def test_nonsense_in_the_address_bar_gives_the_defaults(open_app: OpenApp, shared_home: Path):
    app = open_app(shared_home, q="ds:99999", k="9999", mode="bogus", p="abc")

    assert not app.exception
    assert "**24 nearest** :gray[· 59 images searched" in texts(app)
    assert "not in this data set" in app.info[0].value
    assert "no longer exists" in open_app(shared_home, q="ds:99999", ds="../etc").info[0].value


def test_an_empty_radius_says_how_far_the_nearest_is_and_shows_it(
    open_app: OpenApp, shared_home: Path
):
    opened = open_run(published_run(shared_home).id, Settings(home=shared_home))
    nearest = opened.query_codes.hamming(opened.database_codes).min(axis=1)
    row = opened.query_rows[nearest > 0][0]

    app = open_app(shared_home, q=f"ds:{row}", mode="Radius", r="0")

    assert "No code within 0 bits" in texts(app)
    button = next(one for one in app.button if one.label.startswith("Show it"))
    button.click().run()

    assert not app.exception
    assert "No code within" not in texts(app)


def test_a_label_filter_keeps_only_that_label(open_app: OpenApp, shared_home: Path):
    app = open_app(shared_home)

    app.multiselect(key="label").select("squares").run()

    assert "**20 nearest** :gray[· 59 images searched" in texts(app)


def test_equally_near_images_are_counted_where_not_all_are_shown(
    open_app: OpenApp, shared_home: Path
):
    app = open_app(shared_home, run=lsh_slug(shared_home), q="ds:5")
    assert re.search(r"\d+ images are equally near; \d+ (is|are) shown\.", texts(app))

    app.segmented_control(key="k").set_value(200).run()
    assert "Equally near images are sorted by the similarity" in texts(app)
    assert "are equally near;" not in texts(app)


def test_a_link_with_the_older_name_of_the_default_split_still_opens(
    open_app: OpenApp, shared_home: Path
):
    app = open_app(shared_home, q="ds:5", **{"in": "Any part"})

    assert not app.exception
    assert app.selectbox(key="in").value == "Any split"
    assert "**24 nearest**" in texts(app)


def test_an_upload_is_encoded_and_searched_without_marks(open_app: OpenApp, shared_home: Path):
    app = open_app(shared_home)

    app.file_uploader(key="upload_file").upload("mine.png", png()).run()

    assert not app.exception
    assert app.query_params["q"].startswith("up:")
    assert "encoding" in texts(app)
    assert "Relevance is unknown" in texts(app)
    assert not app.metric


def test_an_upload_that_is_in_the_data_set_takes_its_labels(open_app: OpenApp, shared_home: Path):
    image = next((shared_home / "datasets/shapes/images").rglob("*.png"))
    app = open_app(shared_home)

    app.file_uploader(key="upload_file").upload("copy.png", image.read_bytes()).run()

    assert not app.exception
    assert app.metric


def test_a_run_that_cannot_encode_says_so_and_shows_an_example(open_app: OpenApp, own_home: Path):
    (published_run(own_home).folder / "model" / "config.json").write_text("{}", "utf-8")
    app = open_app(own_home)

    app.file_uploader(key="upload_file").upload("mine.png", png()).run()

    assert not app.exception
    assert app.error[0].proto.title == "This run cannot encode images."
    assert app.metric


def test_a_bad_upload_gives_the_reason_and_keeps_the_last_result(
    open_app: OpenApp, shared_home: Path
):
    app = open_app(shared_home)
    before = app.query_params["q"]

    app.file_uploader(key="upload_file").upload("broken.png", b"not an image").run()

    assert not app.exception
    assert "broken.png" in texts(app)
    assert "The last result is still shown." in app.error[0].value
    assert app.query_params["q"] == before
    assert app.metric


@pytest.mark.parametrize("method", ["itq", "lsh"])
def test_a_run_deleted_a_moment_ago_takes_no_page_down(
    open_app: OpenApp, own_home: Path, method: str
):
    app = open_app(own_home)
    registry = RunRegistry(Settings(home=own_home))
    shutil.rmtree(next(run for run in registry.all() if run.spec.method == method).folder)

    app.run()  # the list of runs may be seconds old

    assert not app.exception


def test_a_link_to_an_upload_of_another_tab_shows_an_example(open_app: OpenApp, shared_home: Path):
    app = open_app(shared_home, q="up:0123456789ab")

    assert not app.exception
    assert "Upload it again" in app.info[0].value
    assert app.query_params["q"].startswith("ds:")


def test_without_an_index_search_is_exact_and_publishing_is_one_press(
    open_app: OpenApp, own_home: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("HASHLENS_START_WORKER", "0")
    run = published_run(own_home)
    (run.folder / "index.json").unlink()

    app = open_app(own_home)

    assert not app.exception
    assert "code file" in texts(app)
    assert app.metric
    next(one for one in app.button if one.label == "Publish").click().run()
    assert requested(run).action == "publish"
    assert "Waiting for the worker to publish" in texts(app)
    assert "the host of this server has to start one" in texts(app)

    serve(Settings(home=own_home))
    app.run()

    assert "Not published yet" not in texts(app)
    assert read_index(run) is not None


def test_a_locked_store_falls_back_and_recovers_on_retry(open_app: OpenApp, own_home: Path):
    run = published_run(own_home)
    record = read_index(run)
    other = open_store(None, own_home / "index")
    other.info(record.alias)  # opens the collection, and so locks it

    app = open_app(own_home)

    assert not app.exception
    assert "Index not responding" in app.sidebar.markdown[0].value
    assert "Index not responding: searching the code file." in texts(app)
    assert not app.error
    assert "open in another process" in texts(app)
    assert "Last successful index search: not since this server started." in texts(app)
    assert app.metric
    other.close()
    next(one for one in app.button if one.label == "Retry").click().run()
    assert "Index ready" in app.sidebar.markdown[0].value
    assert "index of all 60 imported images" in texts(app)

    cached.library.store.clear()  # closes it
    other = open_store(None, own_home / "index")
    other.info(record.alias)
    cached.search.forget_indexes()
    other_tab = open_app(own_home)
    assert re.search(r"Last successful index search: [\d.]+ m?s ago[.]", texts(other_tab))
    other.close()


def test_an_unreachable_server_is_named_without_secrets(
    open_app: OpenApp, shared_home: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("QDRANT_URL", "http://user:secret@127.0.0.1:9")
    app = open_app(shared_home)

    assert not app.exception
    assert app.metric
    assert "http://127.0.0.1:9" in texts(app)
    assert "secret" not in texts(app)
    assert "Server does not answer" in app.sidebar.markdown[0].value
    assert not app.error


@pytest.mark.parametrize(
    ("error", "said"),
    [(NO_COPIES, "Server lacks nodes"), ("broken", "Server reports an error")],
)
def test_a_server_that_fails_in_mid_use_is_told_in_one_line_and_in_the_sidebar(
    open_app: OpenApp, own_home: Path, monkeypatch: pytest.MonkeyPatch, error: str, said: str
):
    """It still answers about its collections, so that the index looks ready."""
    with QdrantStub() as stub:
        publish_on(stub, own_home)
        monkeypatch.setenv("QDRANT_URL", stub.url)
        app = open_app(own_home)
        assert "Index ready" in app.sidebar.markdown[0].value
        assert "index of all 60 imported images" in texts(app)
        stub.nodes, stub.error, stub.fails = (True, False, False), error, "/query"

        app.run()

        assert not app.exception
        assert said in app.sidebar.markdown[0].value
        assert f"{said}: searching the code file." in texts(app)
        assert not app.error
        assert app.metric
        stub.fails = ""
        button(app, "Retry").click().run()
        assert "Index ready" in app.sidebar.markdown[0].value
        assert "index of all 60 imported images" in texts(app)
        cached.library.store.clear()


def test_an_index_of_other_weights_is_a_problem_with_a_remedy(open_app: OpenApp, own_home: Path):
    weights = published_run(own_home).folder / "model" / "weights.safetensors"
    weights.write_bytes(weights.read_bytes() + b" ")

    app = open_app(own_home)

    assert not app.exception
    assert "different weights" in app.error[0].proto.title
    assert any(one.label == "Publish" for one in app.button)
    assert app.metric


def test_a_run_with_damaged_codes_is_a_problem_not_a_crash(open_app: OpenApp, own_home: Path):
    (published_run(own_home).folder / "codes" / "query.npz").write_bytes(b"damaged")

    app = open_app(own_home)

    assert not app.exception
    assert app.error[0].proto.title == "This run cannot be opened."


def test_a_run_of_other_content_than_its_data_set_has_now_is_refused(
    open_app: OpenApp, own_home: Path
):
    path = own_home / "datasets" / "shapes" / "dataset.json"
    write_atomic(path, json.dumps(json.loads(path.read_text("utf-8")) | {"fingerprint": "0"}))

    app = open_app(own_home)

    assert not app.exception
    assert app.error[0].proto.title == "This run cannot be opened."


def test_an_unlabelled_data_set_can_be_searched_without_marks(open_app: OpenApp, own_home: Path):
    path = own_home / "datasets" / "shapes" / "dataset.json"
    write_atomic(path, json.dumps(json.loads(path.read_text("utf-8")) | {"label_sets": []}))

    app = open_app(own_home)

    assert not app.exception
    assert "Relevance is unknown" not in texts(app)  # that goes without saying
    assert "24 nearest" in texts(app)


def test_relevance_is_no_filter_for_an_image_without_known_labels(
    open_app: OpenApp, shared_home: Path
):
    app = open_app(shared_home, show="Relevant")
    assert not app.segmented_control(key="show").disabled

    app.file_uploader(key="upload_file").upload("mine.png", png()).run()

    kind = app.segmented_control(key="show_off")
    assert (kind.disabled, kind.value) == (True, "All")
    assert "Your image has no known labels" in texts(app)
    assert not app.multiselect(key="label").disabled
    assert "**24 nearest** :gray" in texts(app)  # what the link asks for counts for nothing


def test_without_labels_their_filters_are_disabled_with_a_reason(open_app: OpenApp, own_home: Path):
    path = own_home / "datasets" / "shapes" / "dataset.json"
    write_atomic(path, json.dumps(json.loads(path.read_text("utf-8")) | {"label_sets": []}))

    app = open_app(own_home, show="Relevant", label="squares")

    assert app.segmented_control(key="show_off").disabled
    assert app.multiselect(key="label_off").disabled
    labels = [one.proto.popover.label for one in app.get("popover")]
    assert "Filters" in labels  # and none of them counts as set
    assert texts(app).count("This data set has no labels.") == 1
    assert "**24 nearest** :gray" in texts(app)


def test_names_of_files_never_become_markup(open_app: OpenApp, shared_home: Path):
    opened = open_run(published_run(shared_home).id, Settings(home=shared_home))
    names = opened.dataset.manifest["text"].tolist()

    app = open_app(shared_home, q=f"ds:{names.index(HOSTILE)}")

    assert not app.exception
    shown = "".join(one.value for one in app.html)
    assert "&lt;b&gt;bold" in shown
    assert "<b>bold" not in shown
    assert not any(HOSTILE in one.value for one in app.markdown)


def test_every_order_says_what_sorts_the_results(open_app: OpenApp, shared_home: Path):
    app = open_app(shared_home, q="ds:5")
    assert "Equally near images are sorted by the similarity of their features." in texts(app)

    app.selectbox(key="order").set_value("Similarity").run()
    assert re.search(r"The 200 nearest by similarity, sorted in \d+ ms", texts(app))

    app.selectbox(key="order").set_value("Relaxed query").run()
    assert re.search(r"The 200 nearest by relaxed query, sorted in \d+ ms", texts(app))

    app.selectbox(key="order").set_value("Codes only").run()
    assert "they are sorted by id" in texts(app)


@pytest.mark.parametrize(
    ("linked", "order"), [("Distance", "Codes only"), ("Features", "Similarity")]
)
def test_orders_of_earlier_links_are_understood(
    open_app: OpenApp, shared_home: Path, linked: str, order: str
):
    app = open_app(shared_home, q="ds:5", order=linked)

    assert not app.exception
    assert app.selectbox(key="order").value == order


def test_without_features_the_codes_decide_and_the_page_says_why(open_app: OpenApp, own_home: Path):
    for path in Settings(home=own_home).features_path.glob("*/keys.bin"):
        path.write_bytes(path.read_bytes()[:320])

    app = open_app(own_home, q="ds:5")

    assert not app.exception
    assert "Codes only, sorted by id where equally near: " in texts(app)
    assert "images have no stored features" in texts(app)


def test_there_is_one_precision_of_the_first_ten(open_app: OpenApp, shared_home: Path):
    app = open_app(shared_home, q="ds:5", order="Similarity")

    (shown,) = [one for one in app.metric if one.label == "P@10"]
    assert texts(app).count("P@10") <= 1
    assert "By the codes alone: " in shown.help


def test_the_upload_box_holds_the_query_or_nothing(open_app: OpenApp, shared_home: Path):
    app = open_app(shared_home)
    app.file_uploader(key="upload_file").upload("mine.png", png()).run()
    assert app.session_state["q"].startswith("up:")
    assert app.file_uploader(key="upload_file").value.name == "mine.png"

    app.session_state["q"] = "ds:3"
    app.run()
    assert app.file_uploader[0].key == "upload_file1"
    assert app.file_uploader[0].value is None

    app.file_uploader(key="upload_file1").upload("bad.png", b"no image").run()
    assert app.session_state["q"] == "ds:3"  # the last result stands
    assert "bad.png" in texts(app)
    assert app.file_uploader[0].value is None
    app.session_state["q"] = "ds:5"
    assert "bad.png" not in texts(app.run())
