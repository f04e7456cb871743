"""The Train page beside its methods: what to train on, how, and the plan with its price."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard import access, cached, state
from dashboard.build import train_fields, train_find
from dashboard.services import training_plan
from dashboard.services.training_plan import (
    CUSTOM,
    PAPER,
    QUICK,
    Choice,
    Trained,
    TrainingPlan,
    changed,
    fitting_backbones,
    fitting_protocols,
    preset,
)
from pipeline.analysis.kinds_and_things import SETTING
from pipeline.analysis.recommended_methods import recommended_bits
from pipeline.catalog import ConfigField, config_fields, finetuning_fields
from pipeline.datasets.dataset import DatasetInfo
from pipeline.runs.sweep import Sweep
from pipeline.wording import escape_markdown, plural

_BITS = (8, 12, 16, 24, 32, 48, 64, 96, 128)
_SHARES = {"None": 0.0, "10 %": 0.1, "20 %": 0.2}
_PRESETS = {
    QUICK: "A few passes, to check that everything works.",
    PAPER: "The method's defaults, which follow its paper as far as its card says.",
    CUSTOM: "Set everything by hand.",
}


def what(info: DatasetInfo, label_set: str) -> dict[str, Any]:
    """Data, backbone, code lengths and protocol; fields of a sweep."""
    if "bits" in st.session_state:  # another page may ask for lengths that are not offered here
        st.session_state["bits"] = [one for one in st.session_state["bits"] if one in _BITS]
    bits = st.pills(
        "Code lengths (bits)",
        _BITS,
        selection_mode="multi",
        default=[recommended_bits(info.n)],
        key="bits",
        help="One run per length.",
    )
    first, second, third = st.columns([2, 1, 1])
    backbone = _backbone(first, info)
    seeds = second.number_input(
        "Seeds", 1, 20, 1, key="seeds", help="Runs that differ only in their random seed."
    )
    split_seed = third.number_input("Split seed", 0, None, 0, key="split_seed")
    first, second = st.columns([2, 2])
    protocol = first.selectbox(
        "Protocol",
        fitting_protocols(info),
        key="train_protocol",
        help="How images are split and measured. Numbers from different protocols are not "
        "comparable.",
    )
    validation = 0.0
    if label_set:
        name = second.segmented_control(
            "Validation",
            list(_SHARES),
            default="None",
            required=True,
            key="validation",
            help="Share of the training images set aside, never queries, to measure mAP after "
            "every epoch. The method then learns from fewer images.",
        )
        validation = _SHARES.get(name, 0.0)
    return {
        "dataset": info.name,
        "label_set": label_set,
        "bits": tuple(bits),
        "backbone": backbone,
        "seeds": int(seeds),
        "split_seed": int(split_seed),
        "protocol": protocol,
        "validation": validation,
    }


def how(methods: Sequence[str], chosen: Sequence[Choice], what: dict[str, Any]) -> dict[str, Any]:
    """Settings of the methods, and whether the backbone learns; fields of a sweep.

    Args:
        methods: names of all that are offered.
        chosen: those that will be trained.
        what: data, backbone and protocol on screen.
    """
    finds = train_find.what_to_find(methods, chosen, what)
    name = st.segmented_control(
        "Settings", list(_PRESETS), default=PAPER, required=True, key="preset"
    )
    st.caption(_PRESETS.get(name, ""))
    if name != CUSTOM:
        config = {choice.name: preset(choice.name, name) for choice in chosen}
    else:
        config = _by_hand(chosen)
    fields: dict[str, Any] = {"config": {key: value for key, value in config.items() if value}}
    frozen = [choice.title for choice in chosen if not choice.can_finetune]
    reason = f"{', '.join(frozen)} cannot: no gradient reaches the backbone." if frozen else ""
    is_tuned = st.toggle(
        "Fine-tune the backbone",
        key="finetune",
        disabled=bool(frozen) or not chosen,
        help="The last stages, or all of them, learn too: far slower, and often better. " + reason,
    )
    if reason:
        st.caption(f"Fine-tuning: {escape_markdown(reason)}")
    elif is_tuned and chosen:
        fields["finetune"] = train_fields.show_fields(finetuning_fields(), key="tune", start={})
    fields["grid"] = ({SETTING: finds} if finds else {}) | _varied(chosen)
    return fields


def already_there(methods: Sequence[str], what: dict[str, Any]) -> dict[str, Trained]:
    """What need not be trained under the settings on screen; nothing where those are by hand."""
    name = st.session_state.get("preset", PAPER)
    is_other = st.session_state.get("finetune") or st.session_state.get("vary")
    if name == CUSTOM or is_other or train_find.is_asked():
        return {}  # the plan says it run by run
    config = {method: values for method in methods if (values := preset(method, name))}
    settings = cached.library.settings()
    return training_plan.already_there(settings, methods, {**what, "config": config})


def show_plan(chosen: Sequence[Choice], fields: dict[str, Any]) -> None:
    """How many runs of which methods, what they cost and why, and the button that starts them."""
    words, button = st.columns([3, 1], vertical_alignment="center")
    if not chosen or not fields["bits"]:
        words.markdown("**Choose at least one method and one code length.**")
        _start_button(button, None)
        return
    methods = tuple(choice.name for choice in chosen)
    plan = training_plan.plan_training(cached.library.settings(), {"methods": methods, **fields})
    with words:
        _price(plan, chosen)
    _start_button(button, plan)
    if plan.sweep is not None:
        with st.expander("As a command", icon=":material/terminal:"):
            _command(plan, plan.sweep)


def _price(plan: TrainingPlan, chosen: Sequence[Choice]) -> None:
    if plan.problem:
        st.error(escape_markdown(plan.problem), title="These settings cannot be trained")
        return
    n_done = sum(planned.state == "done" for planned in plan.planned)
    n_waiting = len(plan.planned) - n_done - plan.n_new
    parts = [f"**{plural(plan.n_new, 'new run')}**"]
    parts += [f"{n_done} already done"] if n_done else []
    parts += [f"{n_waiting} waiting or running"] if n_waiting else []
    if plan.n_new:
        memory = plan.price.memory_mb
        parts.append(training_plan.cost_in_words(plan.price))
        parts.append(f"{memory:,.0f} MB of memory" if memory else "memory not known yet")
    st.markdown(" · ".join(parts))
    titles = ", ".join(escape_markdown(choice.title) for choice in chosen)
    st.caption(" ".join([f"{titles}.", *map(escape_markdown, plan.price.basis)]))


def _start_button(place: DeltaGenerator, plan: TrainingPlan | None) -> None:
    """Queues the new runs and goes to where they can be watched."""
    n_new = plan.n_new if plan else 0
    clicked = place.button(
        f"Start {plural(n_new, 'run')}" if n_new else "Start",
        type="primary",
        icon=":material/play_arrow:",
        key="start",
        disabled=plan is None or not n_new or plan.sweep is None,
        width="stretch",
    )
    if clicked and plan is not None and plan.sweep is not None:
        access.require("operator")
        sweep, n_queued = training_plan.start(cached.library.settings(), plan.sweep)
        st.toast(f"{plural(n_queued, 'run')} queued.")
        state.switch_page("build/runs_page.py", **({"sweep": sweep} if sweep else {}))


def _command(plan: TrainingPlan, sweep: Sweep) -> None:
    """The command that asks for the same, and each run's spec."""
    st.code(sweep.command(), language="bash", wrap_lines=True)
    for planned in plan.planned[:6]:
        title = f"{planned.spec.label}, seed {planned.spec.seed}: {planned.state}"
        st.caption(escape_markdown(title))
        st.code(planned.spec.model_dump_json(indent=2), language="json", height=180)
    if len(plan.planned) > 6:
        st.caption(f"The first 6 of {len(plan.planned)}.")


def _by_hand(chosen: Sequence[Choice]) -> dict[str, dict[str, Any]]:
    """The settings of each method in a tab of its own; only those that differ are kept."""
    if not chosen:
        return {}
    config = {}
    for choice, tab in zip(chosen, st.tabs([choice.title for choice in chosen]), strict=True):
        fields = _settings(choice)
        with tab:
            if not fields:
                st.caption("This method has no settings.")
            values = train_fields.show_fields(fields, key=f"set_{choice.name}", start={})
        config[choice.name] = changed(fields, values)
    return config


def _varied(chosen: Sequence[Choice]) -> dict[str, tuple[Any, ...]]:
    """One setting over several values: a sweep."""
    fields = {field.name: field for choice in chosen for field in _settings(choice)}
    with st.expander("Vary a setting", icon=":material/tune:"):
        name = st.selectbox("Setting", ["", *sorted(fields)], key="vary")
        if not name:
            st.caption("One run per value, for every method that has the setting.")
            return {}
        field = fields[name]
        text = st.text_input(
            "Values, separated by commas",
            str(field.default),
            key=f"vary_{name}",
            help=f"{field.description} {field.bounds}",
        )
    return {name: tuple(word.strip() for word in text.split(",") if word.strip())}


def _settings(choice: Choice) -> list[ConfigField]:
    """The settings of a method beside what it should find, which is asked before."""
    return [field for field in config_fields(choice.name) if field.name != SETTING]


def _backbone(place: DeltaGenerator, info: DatasetInfo) -> str:
    """The network that gives the features, one of a family by its name there, or own vectors."""
    backbones = fitting_backbones(info, cached.library.settings())
    name = place.selectbox(
        "Backbone",
        list(backbones),
        key="backbone",
        format_func=_network,
        help="The network that computes the features, or vectors that were imported.",
    )
    if not (example := backbones[name]):
        return name
    family = name.partition(":")[0]
    network = place.text_input(
        f"{family} network",
        example,
        key="network" if family == "torchvision" else f"network_{family}",
        max_chars=200,
        help=f"Its name in {family}, such as {example}. Its weights are downloaded when the run "
        "starts, unless they are there or a file is named.",
    )
    return f"{family}:{network.strip()}"


def _network(name: str) -> str:
    family, _, network = name.partition(":")
    if network == "NAME":
        return f"another {family} network"
    return f"own vectors: {network}" if network else name.replace("_", " ")
