"""The report: its conditions, its preview, and the files made from it."""

from __future__ import annotations

from datetime import UTC, datetime

import streamlit as st

from dashboard.cached.analysis import baseline_flag, code_view, failures, measured
from dashboard.cached.library import dataset, settings
from dashboard.cached.runs import board, boards
from dashboard.services import report_export, report_templates
from dashboard.services.report_basket import Basket, Item
from dashboard.services.thumbs import Thumbnails
from pipeline.analysis.acceptance_checks import Condition, check
from pipeline.analysis.significance_findings import leading_gap
from pipeline.runs.registry import RunRegistry
from pipeline.runs.results import RunError
from pipeline.runs.status import provenance


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
        return report_templates.model_review(
            measured(run_id), failures(run_id), code_view(run_id), baseline_flag(run_id)
        )
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


def report_html(name: str, shown: Basket, runs: tuple[str, ...]) -> bytes:
    """The report as one page."""
    thumbnails = Thumbnails(settings())
    return report_export.to_html(
        shown, conditions(runs), lambda sha256: thumbnails.get(name, sha256), _facts(name)
    )


def report_manifest(name: str, shown: Basket, runs: tuple[str, ...]) -> bytes:
    """What is in the report and where it came from."""
    digests = {}
    for run_id in {run for item in shown.items for run in item.runs}:
        try:
            digests[run_id] = RunRegistry(settings()).open(run_id).spec.digest
        except RunError:
            continue
    return report_export.to_manifest(shown, conditions(runs), _facts(name), digests)


def _facts(name: str) -> dict[str, str]:
    """What belongs below every report."""
    info = dataset(name).info
    return {
        "Generated": datetime.now(UTC).isoformat(timespec="seconds"),
        "Data set": f"{info.title}, fingerprint {info.fingerprint[:16]}",
        "Pictures": " ".join(part for part in (info.attribution, info.licence) if part),
        "HashLens commit": str(provenance().get("commit") or "unknown"),
    }
