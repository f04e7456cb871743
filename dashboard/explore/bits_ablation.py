"""What muted bits are worth: the mAP without them, and by the number of bits that are kept."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboard import cached
from dashboard.charts.codes import dropped
from dashboard.widgets import chart_panel
from pipeline.analysis.opened_run import OpenRun
from pipeline.wording import percent, plural

_LOSS = 0.003  # of mAP that is as good as nothing


def show_ablation(opened: OpenRun, muted: list[int], mute_key: str) -> None:
    """The mAP without the muted bits and by bits kept; nothing for images without labels.

    Args:
        opened: the run.
        muted: bits, from 1.
        mute_key: of the widget that holds them.
    """
    if opened.labels is None:
        return
    if muted and len(muted) < opened.bits:
        full, left = (cached.analysis.map_without(opened.id, bits) for bits in ((), muted))
        st.markdown(
            f"**mAP without the muted bits {percent(left)} %** ({100 * (left - full):+.1f} points) "
            ":gray[· over all queries, on a sample]"
        )
    worth = st.expander("mAP by bits kept", icon=":material/show_chart:", on_change="rerun")
    if worth.open:
        with worth:
            _course(opened, mute_key)


def _course(opened: OpenRun, mute_key: str) -> None:
    with st.spinner("Dropping bits one by one"):
        ablated = cached.analysis.bit_ablation(opened.id)
    spare = sorted(bit + 1 for bit in ablated.spare(_LOSS))
    sentence = (
        f"{plural(len(spare), 'bit')} of {opened.bits} can be dropped for at most "
        f"{100 * _LOSS:.1f} points of mAP ({percent(ablated.full)} % with all)."
    )
    st.markdown(sentence)
    if spare:
        st.button(
            f"Mute these {len(spare)}",
            icon=":material/volume_off:",
            on_click=st.session_state.update,
            args=({mute_key: spare},),
        )
    table = pd.DataFrame(
        {
            "left": range(opened.bits, 0, -1),
            "map": ablated.course,
            "dropped": ["none", *(str(bit + 1) for bit in ablated.order[: opened.bits - 1])],
        }
    )
    chart_panel.show_chart(
        dropped(table), table, alt=f"mAP by bits kept. {sentence}", key="bits_kept"
    )
    st.caption(
        f"Measured on {ablated.n_queries} queries and {ablated.n_items:,} images. At each step, "
        "the bit that is missed least is dropped."
    )
