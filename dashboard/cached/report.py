"""The report: its conditions, its preview, and the files made from it."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import cast

import pandas as pd
import streamlit as st

from dashboard.cached.analysis import (
    baseline_flag,
    code_view,
    failures,
    measured,
    settings_table,
)
from dashboard.cached.library import dataset, datasets, settings
from dashboard.cached.runs import board, boards, measured_in
from dashboard.services import report_export, report_templates
from dashboard.services.report_basket import Basket, Item
from dashboard.services.thumbs import Thumbnails
from pipeline.analysis.acceptance_checks import Condition, check
from pipeline.analysis.leaderboard import read_cosine
from pipeline.analysis.significance_findings import leading_gap
from pipeline.runs.registry import RunRegistry
from pipeline.runs.results import RunError
from pipeline.runs.status import provenance
from pipeline.wording import plural


def template(kind: str, name: str, run_id: str | None) -> list[Item]:
    """The entries of a template for a data set, and for a run where it is about one.

    Raises:
        RunError, DatasetError: it needs a measured run, and there is none.
    """
    if kind == report_templates.AUDIT:
        return report_templates.data_audit(dataset(name))
    if kind == report_templates.REVIEW:
        if run_id is None:
            raise RunError("this template needs a run; train one first")
        protocol = " ".join(one.sentence for one in measured_in((run_id,)))
        items = report_templates.model_review(
            measured(run_id), failures(run_id), code_view(run_id), baseline_flag(run_id)
        )
        return [item.model_copy(update={"protocol": protocol}) for item in items]
    compared = boards(name)
    if not compared:
        raise RunError("this template needs a measured run; train one first")
    shown = board(compared[0])
    finding = leading_gap(settings(), shown.rows)
    return report_templates.demo_summary(shown, compared[0], finding.sentence if finding else "")


def report_preview(name: str, shown: Basket, runs: tuple[str, ...]) -> str:
    """The page of `report_html`, drawn again only when something in it has changed."""
    return _preview(name, shown.model_dump_json(), runs)


@st.cache_data(max_entries=4, show_spinner=False)
def _preview(name: str, shown: str, runs: tuple[str, ...]) -> str:
    return report_html(name, Basket.model_validate_json(shown), runs).decode()


@st.cache_data(ttl=30, max_entries=30, show_spinner=False)
def conditions(runs: tuple[str, ...]) -> dict[str, list[Condition]]:
    """The conditions of some runs by their labels; runs that cannot be read are left out."""
    checked = {}
    for run_id in runs:
        try:
            spec = RunRegistry(settings()).open(run_id).spec
            checked[f"{spec.label}, seed {spec.seed}"] = check(settings(), run_id)
        except RunError:
            continue
    return checked


def cosine(run_id: str) -> pd.DataFrame:
    """The real-valued ranking of a run's backbone, measured under the run's conditions.

    Raises:
        RunError: the run is gone.
    """
    spec = RunRegistry(settings()).open(run_id).spec
    return read_cosine(settings(), spec.dataset, [spec])


def report_html(name: str, shown: Basket, runs: tuple[str, ...]) -> bytes:
    """The report as one page."""
    thumbnails = Thumbnails(settings())
    return report_export.to_html(
        shown,
        conditions(runs),
        lambda sha256: thumbnails.get(name, sha256),
        facts(name, shown),
        run_settings(runs),
    )


@st.cache_data(ttl=30, max_entries=30, show_spinner=False)
def run_settings(runs: tuple[str, ...]) -> pd.DataFrame:
    """What was asked of some runs, side by side; runs that are gone are left out."""
    registry, there = RunRegistry(settings()), []
    for run_id in runs:
        with suppress(RunError):
            there.append(registry.open(run_id).id)
    return settings_table(there, only_differences=False) if there else pd.DataFrame()


def report_manifest(name: str, shown: Basket, runs: tuple[str, ...]) -> bytes:
    """What is in the report and where it came from."""
    digests = {}
    for run_id in {run for item in shown.items for run in item.runs}:
        try:
            digests[run_id] = RunRegistry(settings()).open(run_id).spec.digest
        except RunError:
            continue
    return report_export.to_manifest(shown, conditions(runs), facts(name, shown), digests)


def facts(name: str, shown: Basket) -> dict[str, str]:
    """The conditions of every number: data, licence, protocol and labels, versions, time."""
    info, now = next(info for info in datasets() if info.name == name), provenance()
    measured = measured_in(tuple(dict.fromkeys(run for item in shown.items for run in item.runs)))
    versions = cast(dict[str, str], now["versions"])
    packages = ", ".join(f"{package} {number}" for package, number in versions.items())
    told = {
        "Data set": f"{info.title}, {plural(info.n, 'image')}, fingerprint {info.fingerprint[:16]}",
        "Licence": info.licence or "not known",
        "Attribution": info.attribution,
        "Split": info.split_summary,
        "Protocol and labels": " ".join(one.sentence for one in measured),
        "Versions": f"HashLens commit {now.get('commit') or 'unknown'}; {packages}",
        "Generated": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    return {fact: text for fact, text in told.items() if text}
