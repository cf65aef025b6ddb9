"""The board and the history of a KPI as CSV, for a spreadsheet."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from core.exporting import safe
from kpis import selectors
from kpis.admin import places
from kpis.domain.figure import Figure
from kpis.selectors.registry import definition_of

FIGURE = ("value", "unit", "target", "status", "low", "high", "n", "counted", "why")
DAYS = 366


def board(request: HttpRequest, where: str) -> HttpResponse:
    """Every KPI as it stands now."""
    _need_view(request)
    here = places.find_environment(where)
    found = selectors.current(here, now=timezone.now())
    head = ("kpi", "name", "group", "owner", "from", "until", "measured_at", *FIGURE)
    rows = (
        (
            each.key,
            each.definition.name,
            each.definition.group,
            each.definition.owner,
            each.period.start.isoformat(),
            each.period.end.isoformat(),
            each.measured_at.isoformat() if each.measured_at else "",
            *_cells(each),
        )
        for each in found
    )
    return _file(f"kpis-{here.key}-{timezone.localdate()}", head, rows)


def history(request: HttpRequest, where: str, kpi: str) -> HttpResponse:
    """One KPI as it stood at the end of each day of the last year."""
    _need_view(request)
    here, definition = places.find_environment(where), definition_of(places.find_kpi(kpi))
    line = selectors.history(here, definition, days=DAYS, now=timezone.now())
    rows = ((day.isoformat(), *_cells(each)) for day, each in line)
    return _file(f"{kpi}-{here.key}-{timezone.localdate()}", ("day", *FIGURE), rows)


def _cells(figure: Figure) -> tuple[Any, ...]:
    definition = figure.definition
    return (
        figure.value,
        figure.target.unit,
        figure.target.text,
        figure.status.value,
        figure.low,
        figure.high,
        figure.n,
        definition.counted,
        figure.why,
    )


def _file(name: str, head: Iterable[str], rows: Iterable[Iterable[Any]]) -> HttpResponse:
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    writer = csv.writer(response)
    writer.writerow(head)
    for row in rows:
        writer.writerow(["" if cell is None else safe(cell) if isinstance(cell, str) else cell for cell in row])
    return response


def _need_view(request: HttpRequest) -> None:
    if not request.user.has_perm(places.VIEW):
        raise PermissionDenied
