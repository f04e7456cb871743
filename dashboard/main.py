"""Page setup, navigation, and the context in the sidebar: data set, run and its index."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from dashboard import state
from dashboard.widgets import gate, glossary, sidebar

ASSETS = Path(__file__).parent / "assets"
ICON = ASSETS / "icon.png"  # a local file: icon names load from the web
LOGO = ASSETS / "logo.png"

st.set_page_config("HashLens", page_icon=str(ICON), layout="wide", initial_sidebar_state=336)
st.html(ASSETS / "page.css")
if st.context.theme.type == "dark":
    st.html(ASSETS / "on_dark.css")
st.logo(str(LOGO), size="large", icon_image=str(ICON))
gate.show_gate()
page = st.navigation(
    {
        "Explore": [
            st.Page(
                "explore/overview_page.py",
                title="Overview",
                icon=":material/bubble_chart:",
                help="What the codes of a run hold, save and keep, with the map of all codes.",
                default=True,
            ),
            st.Page(
                "explore/search_page.py",
                url_path="search",
                title="Search",
                icon=":material/image_search:",
                help="Find the images whose codes are nearest to the code of an image.",
            ),
            st.Page(
                "explore/compare_page.py",
                url_path="compare",
                title="Compare",
                icon=":material/compare_arrows:",
                help="Compare two runs on one query, and see where they differ most.",
            ),
            st.Page(
                "explore/codes_page.py",
                url_path="codes",
                title="Codes",
                icon=":material/grid_on:",
                help="What bits do to one query, what one has learned, and what all are worth.",
            ),
            st.Page("explore/bits_page.py", url_path="bits", title="Bits", visibility="hidden"),
            st.Page(
                "explore/browse_page.py",
                url_path="browse",
                title="Browse",
                icon=":material/grid_view:",
                help="Browse the images of a data set by class, split and text.",
            ),
            st.Page(
                "explore/duplicates_page.py",
                url_path="duplicates",
                title="Near-duplicates",
                icon=":material/content_copy:",
                help="Groups of images that are almost the same: keep one, tag the others.",
            ),
        ],
        "Evaluate": [
            st.Page(
                "evaluate/leaderboard_page.py",
                url_path="leaderboard",
                title="Leaderboard",
                icon=":material/leaderboard:",
                help="Compare hash methods on one data set under one protocol.",
            ),
            st.Page(
                "evaluate/curves_page.py",
                url_path="curves",
                title="Curves",
                icon=":material/show_chart:",
                help="Precision and recall by rank and radius, with confidence bands.",
            ),
            st.Page(
                "evaluate/failures_page.py",
                url_path="failures",
                title="Failures",
                icon=":material/troubleshoot:",
                help="The worst queries of a run, why they fail, and a review with verdicts.",
            ),
            st.Page(
                "evaluate/judge_page.py",
                url_path="judge",
                visibility=gate.visibility("judge"),
                title="Judge",
                icon=":material/gavel:",
                help="Let people judge the results of several runs without knowing whose they are.",
            ),
            st.Page(
                "evaluate/advisor_page.py",
                url_path="advisor",
                title="Advisor",
                icon=":material/assistant:",
                help="Find the method and code length that suit your images, memory and time.",
            ),
        ],
        "Build": [
            st.Page(
                "build/import_page.py",
                title="Import",
                icon=":material/upload_file:",
                help="Check your own images and import them.",
                url_path="import",
                visibility=gate.visibility("import"),
            ),
            st.Page(
                "build/train_page.py",
                url_path="train",
                visibility=gate.visibility("train"),
                title="Train",
                icon=":material/model_training:",
                help="Choose hash methods and settings, and queue their training.",
            ),
            st.Page(
                "build/runs_page.py",
                url_path="runs",
                title="Runs",
                icon=":material/list_alt:",
                help="Follow, stop, resume, publish and delete runs.",
            ),
        ],
        "Share": [
            st.Page(
                "share/report_page.py",
                url_path="report",
                title="Report",
                icon=":material/description:",
                help="Collect findings into one shareable file.",
            ),
        ],
        "System": [
            st.Page(
                "share/status_page.py",
                url_path="status",
                title="Status",
                icon=":material/monitor_heart:",
                help="Store, indexes, data sets with licences, disk, worker, versions.",
            ),
        ],
    },
    expanded=True,  # else the last pages hide behind "view more"
)
sidebar.show_sidebar(is_run_shown=page.url_path not in ("compare", "judge"))  # with their own
glossary.show_glossary()
state.go_on()
gate.show_page_gate(page.url_path, page.title)
page.run()
