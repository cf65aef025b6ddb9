"""Tell when a KPI falls below its target or is back, once several days in a row have said so."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from django.db import transaction

from core import environments, events
from core.actors import CLOCK
from kpis.domain.confirm import IN_A_ROW, after, is_news
from kpis.domain.confirm import Standing as Known
from kpis.domain.days import ONE, day_of
from kpis.domain.figure import Figure, Status
from kpis.domain.words import told
from kpis.models import Kpi, Standing
from kpis.selectors.figures import Kept, load, zone_of
from kpis.selectors.registry import definition_of

if TYPE_CHECKING:
    from core.models import Environment

FELL, CAME_BACK = "kpi.missed", "kpi.met"
REACH = timedelta(days=14)  # days that are looked at together when the clock stood still


def look_all(*, now: datetime) -> None:
    """Look at every KPI of every environment, up to yesterday."""
    for environment in environments.ordered():
        look(environment, now=now)


@transaction.atomic
def look(environment: Environment, *, now: datetime) -> None:
    """Go through the days that are over and were not looked at, in their order; at most one event for each KPI."""
    today = day_of(now, zone_of(environment))
    rows = list(Kpi.objects.select_for_update().order_by("pk"))
    known = {row.kpi_id: row for row in Standing.objects.filter(environment=environment)}
    for early in known.values():
        if early.until is not None and early.until > today:  # a clock that ran ahead looked at days still to come
            early.until = today - ONE
            early.save(update_fields=["until"])
    ends = [known[row.pk].until if row.pk in known else None for row in rows]
    first = max(today - REACH, min((end + ONE if end else today - ONE for end in ends), default=today))
    if first >= today:
        return
    definitions = [definition_of(row) for row in rows]
    reach = timedelta(days=max(each.window for each in definitions))
    kept = load(environment, definitions, first - reach, today)
    for row in rows:
        _follow(environment, row, known.get(row.pk), kept, (first, today), now=now)


def _follow(
    environment: Environment, kpi: Kpi, row: Standing | None, kept: Kept, days: tuple[date, date], *, now: datetime
) -> None:
    row = row or Standing(kpi=kpi, environment=environment)
    before = known = _known(row)
    line = kept.line(definition_of(kpi), *days)
    for day, figure in line:
        known = after(known, figure.status, day)
    row.told, row.seen = known.told or "", known.seen or ""
    row.days, row.until = known.days, known.until
    row.save()
    if is_news(before, known):
        _tell(environment, kpi, line[-1][1], before, known, now=now)


def _known(row: Standing) -> Known:
    told, seen = (Status(text) if text else None for text in (row.told, row.seen))
    return Known(told, seen, row.days, row.until)


def _tell(environment: Environment, kpi: Kpi, figure: Figure, before: Known, known: Known, *, now: datetime) -> None:
    subject = f"kpi:{kpi.key}"
    events.record(
        FELL if known.told is Status.MISSED else CAME_BACK,
        subject=subject,
        actor=CLOCK,
        now=now,
        environment_id=environment.pk,
        reason=f"{IN_A_ROW} days in a row: {told(figure)}",
        before={"status": before.told or ""},
        after={"status": known.told or "", "value": figure.value, "n": figure.n},
        data={
            "title": figure.definition.name,
            "severity": "warning",
            "text": told(figure),
            "leads_to": subject,
        },
    )
