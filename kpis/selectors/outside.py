"""Reads of the figures that people reported."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date

from django.db.models import QuerySet

from core.errors import NotFound
from kpis.domain.figure import Parts
from kpis.domain.outside import Reported
from kpis.models import OutsideFigure


def reported(environment_id: int | None = None, key: str | None = None) -> QuerySet[OutsideFigure]:
    """All that were reported, also those that were corrected since, the newest period first."""
    found = OutsideFigure.objects.select_related("kpi", "environment")
    found = found if environment_id is None else found.filter(environment_id=environment_id)
    return (found if key is None else found.filter(kpi__key=key)).order_by("-end", "-pk")


def figure(pk: int) -> OutsideFigure:
    """One of them, or NotFound."""
    found = reported().filter(pk=pk).first()
    if found is None:
        raise NotFound(f"There is no figure {pk}.")
    return found


def standing(environment_id: int, keys: Collection[str]) -> dict[str, list[OutsideFigure]]:
    """Those that hold, by KPI, the oldest period first. One query."""
    found: dict[str, list[OutsideFigure]] = {key: [] for key in keys}
    rows = reported(environment_id).filter(kpi__key__in=found, superseded_at=None) if found else ()
    for row in rows:
        found[row.kpi.key].insert(0, row)
    return found


def as_reported(row: OutsideFigure) -> Reported:
    return Reported(row.start, row.end, row.current, row.baseline, row.note)


def parts_of(rows: Sequence[OutsideFigure], start: date, end: date) -> list[Parts]:
    """What was reported for periods that end from `start` to before `end`; or why there is nothing."""
    inside = [row for row in rows if start <= row.end < end]
    if inside:
        return [_dated(row) for row in inside]
    last = max((row.end for row in rows if row.end < end), default=None)
    why = f"nothing was reported for a period since {last}" if last else "nobody has reported a figure yet"
    return [Parts.none(why)]


def _dated(row: OutsideFigure) -> Parts:
    found = as_reported(row).parts()
    return Parts(found.part, found.of, found.n, measured_at=row.reported_at)
