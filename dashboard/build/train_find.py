"""The Train page's question, the same kind or the same thing: choice, pictures, measured front."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import streamlit as st

from dashboard import cached
from dashboard.charts.find_front import QUALITIES, find_front
from dashboard.services.training_plan import Choice
from dashboard.widgets import chart_panel, kind_examples
from dashboard.widgets.fragments import isolated_fragment
from pipeline.analysis.kinds_and_things import SETTING
from pipeline.catalog import ConfigField, config_fields, method_card
from pipeline.wording import escape_markdown

_ALL, _DEFAULT = "Train every choice", "same kind"


def what_to_find(
    methods: Iterable[str], chosen: Sequence[Choice], what: dict[str, Any]
) -> tuple[Any, ...]:
    """Ask it where a method can be told; returns the choices to train, none for the default.

    Args:
        methods: names of all that are offered.
        chosen: methods that will be trained.
        what: data, backbone and protocol on screen.
    """
    asking = {name: field for name in methods if (field := _setting(name))}
    if not asking:
        return ()
    stops = next(iter(asking.values())).choices
    wanted = st.select_slider(
        "What should a search find?",
        stops,
        value=_DEFAULT,
        key="train_find",
        help="The same kind: any horse for a horse. The same thing: this very horse, in another "
        "picture of it. Short codes cannot keep both.",
    )
    every = st.toggle(
        _ALL, key="train_every_find", help="One run per choice, to see what each gives here."
    )
    titles = ", ".join(method_card(name).title for name in asking)
    is_heard = any(one.name in asking for one in chosen)
    st.caption(
        f"For {escape_markdown(titles)}{'' if is_heard else ', which is not chosen'}. Methods "
        "without this setting are one or the other: ITQ keeps neighbours, SSDH and AGH group kinds."
    )
    kind_examples.show_examples(what["dataset"], what["backbone"])
    _front(what)
    if not is_heard or (wanted == _DEFAULT and not every):
        return ()
    return tuple(stops) if every else (wanted,)


def _setting(method: str) -> ConfigField | None:
    return next((field for field in config_fields(method) if field.name == SETTING), None)


def is_asked() -> bool:
    """Whether another choice than the default is on screen."""
    return bool(
        st.session_state.get("train_every_find")
        or st.session_state.get("train_find", _DEFAULT) != _DEFAULT
    )


@isolated_fragment()
def _front(what: dict[str, Any]) -> None:
    """What the choices that were trained give on this data set."""
    front, sentence = cached.kinds.front(
        what["dataset"], what["label_set"], what["protocol"], what["split_seed"]
    )
    with st.expander(
        "What each choice gives here",
        icon=":material/show_chart:",
        key="find_front_open",
        on_change="rerun",
    ) as opened:
        if not opened.open:
            return
        if front["find"].nunique() < 2:
            st.caption(f"Fewer than two choices are trained and measured. {_ALL}, then look again.")
            return
        names = {title: name for name, title in QUALITIES.items()}
        title = st.segmented_control(
            "Quality", list(names), default=next(iter(names)), required=True, key="find_quality"
        )
        quality = names.get(title, "map")
        table = front.assign(
            **{
                column: (100 * front[column]).round(1)
                for column in (*QUALITIES, "neighbours_at_10")
            }
        )
        chart_panel.show_chart(
            find_front(front, quality),
            table,
            alt=f"{QUALITIES[quality]} against neighbours kept, for each choice.",
            key="find_front",
            in_fragment=True,
        )
        st.caption(
            f"{escape_markdown(sentence)} Of the codes alone: Search orders equally near images by "
            "the cosine of their features, which gives neighbours back."
        )
