"""One bit on the Codes page: what it has learned, and its counterpart in another run."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboard import cached
from dashboard.explore import codes_images
from dashboard.services.queries import EncodingError
from dashboard.services.search import QueryImage, bit_string
from dashboard.widgets import bit_board, bit_names
from pipeline.analysis import single_bits
from pipeline.analysis.opened_run import OpenRun
from pipeline.annotations.bit_names import BitNames
from pipeline.wording import escape_markdown, percent, plural

OWN, OTHER = "This run", "Beside another run"
_BIT, _BOARD = "bit", "one_bit"  # the bit, in this tab and in the address bar


def view() -> str:
    """Whether to look at the bits of this run alone, or beside those of another."""
    return st.segmented_control(
        "View of a bit",
        (OWN, OTHER),
        default=OWN,
        required=True,
        key="bit_view",
        bind="query-params",
        label_visibility="collapsed",
    )


def show_bit(opened: OpenRun, query: QueryImage) -> None:
    """The images that say 1 and 0 most clearly at the bit that is clicked; all bits in a table."""
    table, bit = cached.search.bit_table(opened), _chosen(opened.bits)
    bit_board.show_bit_board(
        bit_string(query.encoded),
        key=_BOARD,
        label="Bits",
        actions=("choose",),
        chosen=bit,
        names=BitNames.of(opened.run).all(),
        on_change=_keep,
    )
    _about(opened, table, bit)
    _clearest(opened, bit)
    with st.expander("All bits", icon=":material/table:"):
        _table(opened, table)


def _chosen(n_bits: int) -> int:
    linked = st.session_state.get(_BIT, st.query_params.get(_BIT, "1"))
    bit = int(linked) if str(linked).isdecimal() and 1 <= int(linked) <= n_bits else 1
    st.session_state[_BIT] = bit
    if st.query_params.get(_BIT) != str(bit):
        st.query_params[_BIT] = str(bit)
    return bit


def _keep() -> None:
    changed = bit_board.changes(_BOARD)
    if changed is not None and changed.chosen:
        st.session_state[_BIT] = changed.chosen


def _about(opened: OpenRun, table: pd.DataFrame, bit: int) -> None:
    facts = table.iloc[bit - 1]
    told = (
        f" Its strongest class is **{escape_markdown(facts['label'])}**." if facts["label"] else ""
    )
    st.markdown(f"Bit {bit} is 1 for {percent(facts['ones'])} % of the database.{told}")
    bit_names.field(opened, bit)


def _clearest(opened: OpenRun, bit: int) -> None:
    if opened.run.spec.finetune:
        st.caption(
            "The backbone is fine-tuned: relaxed codes are not stored, so images are not ranked."
        )
        return
    try:
        with st.spinner("Computing the relaxed codes of a sample"):
            rows, relaxed = cached.networks.relaxed_sample(opened)
    except EncodingError as error:
        st.error(escape_markdown(str(error)), title="No relaxed codes")
        return
    ones, zeros = single_bits.strongest(rows, relaxed, bit)
    for name, chosen in (("1", ones), ("0", zeros)):
        st.markdown(f"**Clearest {name}** :gray[· among {plural(len(rows), 'image')}]")
        codes_images.show_images(opened, chosen, f"bit_{name}")


def _table(opened: OpenRun, table: pd.DataFrame) -> None:
    names = BitNames.of(opened.run).all()
    st.dataframe(
        table.assign(
            name=[names.get(bit, "") for bit in table["bit"]],
            ones=100 * table["ones"],
            class_shift=100 * table["class_shift"],
        ),
        hide_index=True,
        height=260,
        alt="Bits with balance, most similar bit and strongest class.",
        column_order=["bit", *(["name"] if names else []), *table.columns[1:]],
        column_config={
            "bit": "Bit",
            "name": st.column_config.TextColumn("Name", width="medium"),
            "ones": st.column_config.NumberColumn("Ones, %", format="%.0f"),
            "most_similar": "Most similar bit",
            "correlation": st.column_config.NumberColumn("Correlation", format="%.2f"),
            "label": "Strongest class",
            "class_shift": st.column_config.NumberColumn("Class shift, points", format="%+.0f"),
        },
    )
