"""A first draft of a report: finding, three queries, one chart; conditions come by themselves."""

from __future__ import annotations

from dashboard import cached
from dashboard.services import report_draft, report_strips, report_templates
from dashboard.services.comparing import average_precisions, differing_most
from dashboard.services.report_basket import Change, Item, started
from dashboard.services.report_draft import Look
from dashboard.services.run_verdict import run_verdict
from dashboard.services.search import Request
from dashboard.widgets import query_panel, report_button, result_order
from pipeline.analysis.opened_run import OpenRun, short_labels
from pipeline.runs.results import RunError


def draft(run_id: str, other_id: str | None) -> Change:
    """The draft about a run, or about how another one compares with it.

    Args:
        run_id: a measured run.
        other_id: run that it is compared with; None: with the cosine of its features.

    Raises:
        RunError, DatasetError: a run cannot be read or was not measured.
    """
    runs = [cached.search.opened(one) for one in (run_id, other_id) if one is not None]
    names = short_labels([opened.run for opened in runs])
    measured = cached.runs.measured_in(tuple(run.id for run in runs))
    if not measured:
        raise RunError("this run was not measured, as its data set has no labels")
    finding, looks = _against_other(runs, names) if other_id else _alone(runs[0])
    title = f"{' and '.join(names)} on {runs[0].dataset.info.title}"
    strips = [item for look in looks for item in _strip(runs, look)]
    chart = report_templates.map_by_length(cached.runs.board(measured[0]), measured[0])
    said = f"{finding} {report_draft.measured_under(measured)}"
    return started(title, [*strips, chart], said)


def _alone(run: OpenRun) -> tuple[str, list[Look]]:
    finding = report_draft.map_finding(
        run.label,
        run.run.report(),
        cached.report.cosine(run.id),
        cached.analysis.baseline_flag(run.id),
    )
    return finding, report_draft.looks_by_ap(average_precisions(run))


def _against_other(runs: list[OpenRun], names: list[str]) -> tuple[str, list[Look]]:
    table = differing_most(*runs)
    verdict = run_verdict(table)
    if verdict is None:
        raise RunError("no query was measured under both runs")
    return verdict.named(*names), report_draft.looks_by_difference(verdict, table, names)


def _strip(runs: list[OpenRun], look: Look) -> list[Item]:
    """The entry of a query; empty where a run has no code of it."""
    request, answered, is_by_features = Request(limit=report_strips.N_SHOWN), [], True
    for run in runs:
        query = query_panel.of_row(look.row, run)
        if query is None:
            return []
        ordering, _ = result_order.by_features(run, query)
        answer = cached.search.answer(run, query, request, ordering)
        is_by_features &= ordering is not None and not answer.order.problem
        answered.append((run, answer))
    item = report_strips.strip_item(
        answered,
        request,
        order="distance, then similarity" if is_by_features else "codes only",
        protocol=report_button.conditions(tuple(run.id for run in runs)),
        lead=look.lead,
    )
    return [item.model_copy(update={"note": look.rule})]
