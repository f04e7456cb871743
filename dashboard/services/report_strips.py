"""A query with its first results under one or two runs, as an entry of a report."""

from __future__ import annotations

from collections.abc import Sequence

from dashboard.services.queries import preview
from dashboard.services.report_basket import Item, Picture, Strip, new_item
from dashboard.services.search import Answer, QueryImage, Request, Result
from pipeline.analysis.opened_run import OpenRun, short_labels
from pipeline.wording import plural

N_SHOWN = 10  # results of each run; also those that the finding counts
_PREVIEW_PX = 192
_MARKS = {True: "yes", False: "no", None: "unknown"}
Answered = tuple[OpenRun, Answer]


def strip_item(
    answered: Sequence[Answered],
    request: Request,
    *,
    order: str,
    protocol: str = "",
    link: str = "",
    lead: str = "",
) -> Item:
    """The entry: query, first results of each run, and how many of them are relevant.

    Args:
        answered: runs with their answers to one query; at least one.
        request: what was asked for.
        order: of the results, in a few words.
        protocol: that the runs were measured under; empty where they were not.
        link: address of the page.
        lead: begins the title, for example `Best query`.
    """
    first, answer = answered[0]
    names = short_labels([opened.run for opened, _ in answered])
    title = f"{lead}: {answer.query.name}" if lead else f"Query: {answer.query.name}"
    return new_item(
        title,
        finding=finding(answered, request),
        protocol=f"{protocol or _relevant_by(first)} {_searched(answer, request, order)}".strip(),
        query=_query(answer.query, first),
        strips=tuple(
            Strip(
                run=name,
                bits=opened.bits,
                pictures=tuple(_picture(result) for result in shown.results[:N_SHOWN]),
            )
            for name, (opened, shown) in zip(names, answered, strict=True)
        ),
        runs=tuple(opened.id for opened, _ in answered),
        link=link,
    )


def finding(answered: Sequence[Answered], request: Request) -> str:
    """How many of the first results are relevant under each run, in one sentence."""
    opened, answer = answered[0]
    counts = [_relevant(one, request) for _, one in answered]
    known = [count for count in counts if count is not None]
    if len(known) < len(counts) and request.relevance != "all":
        return f"Only {request.relevance} results are shown: {len(answer.results):,} were found."
    if len(known) < len(counts):
        near = (
            f"The nearest of {plural(answer.n_database, 'image')} differs in "
            f"{answer.nearest} of {opened.bits} bits"
        )
        return f"{near}; nothing says which results are relevant."
    (n, of), *others = known
    labels = () if answer.query.row is None else opened.label_names(answer.query.row)
    what = f"the query's label, {labels[0]}" if len(labels) == 1 else "a label with the query"
    names = short_labels([one.run for one, _ in answered])
    sentence = f"{n} of the first {of} {'shares' if n == 1 else 'share'} {what}"
    if not others:
        return f"{sentence}."
    rest = ", ".join(
        f"{m} {f'of {theirs} ' if theirs != of else ''}under {name}"
        for (m, theirs), name in zip(others, names[1:], strict=True)
    )
    return f"{sentence}, under {names[0]}; {rest}."


def _relevant(answer: Answer, request: Request) -> tuple[int, int] | None:
    """How many of the first results are relevant, of how many; None when nobody knows."""
    if answer.precision_10 is not None:  # before results of one kind were left out
        return round(N_SHOWN * answer.precision_10), N_SHOWN
    marks = [result.relevant for result in answer.results[:N_SHOWN]]
    if not marks or None in marks or request.relevance != "all":
        return None
    return marks.count(True), len(marks)


def _relevant_by(opened: OpenRun) -> str:
    """The labels, where no protocol names them."""
    return f"Relevant by {opened.label_set_name}." if opened.label_set is not None else ""


def _searched(answer: Answer, request: Request, order: str) -> str:
    """Under which conditions the results were found."""
    filters = [
        f"words “{request.text}”" if request.text else "",
        f"label {' or '.join(request.labels)}" if request.labels else "",
        f"split {request.split}" if request.split else "",
        "" if request.max_distance is None else f"within {plural(request.max_distance, 'bit')}",
        "" if request.relevance == "all" else f"only {request.relevance} results shown",
    ]
    chosen = "; ".join(filter(None, filters))
    return (
        f"{plural(answer.n_database, 'image')} searched; order: {order.lower()}"
        f"{f'; filters: {chosen}' if chosen else ''}."
    )


def _query(query: QueryImage, opened: OpenRun) -> Picture:
    """The query; an image that is not in the data set comes with its own picture."""
    if query.row is not None:
        labels = ", ".join(opened.label_names(query.row))
        return Picture(sha256=opened.sha256(query.row), caption=labels or query.name)
    if query.words is not None:
        return Picture(sha256=query.words.sha256, caption="words", source=query.words.picture())
    assert query.upload is not None
    ranges = opened.dataset.info.value_ranges or ()
    source = preview(query.upload, _PREVIEW_PX, ranges)
    return Picture(sha256=query.upload.sha256, caption="own image", source=source)


def _picture(result: Result) -> Picture:
    caption = result.text or ", ".join(result.labels) or result.image_id
    return Picture(
        sha256=result.sha256,
        caption=caption,
        mark=_MARKS[result.relevant],
        distance=result.distance,
    )
