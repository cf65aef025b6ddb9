"""Record the days of the KPIs: each once, however many workers do it, and all that were missed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from django.db import transaction

from core import environments
from kpis.domain.days import ONE, SETTLED, between, day_of, period_of
from kpis.domain.definition import LONGEST_WINDOW, Definition
from kpis.domain.figure import Parts, Period
from kpis.models import Day, Kpi
from kpis.selectors.figures import zone_of
from kpis.selectors.measuring import Found, began, parts_of
from kpis.selectors.registry import definition_of

if TYPE_CHECKING:
    from core.models import Environment

AT_ONCE = 31  # days of one environment; the next tick goes on with the others
AHEAD = timedelta(hours=6)  # what was read so much later than now, a clock read that was wrong: it counts for nothing
REACH = timedelta(days=LONGEST_WINDOW)  # how far back a day is recorded that was missed
WRITTEN = ["part", "of", "n", "why", "measured_at", "settled"]


def record_all(*, now: datetime) -> int:
    """Record every environment; how many days of KPIs were written."""
    return sum(record(environment, now=now) for environment in environments.ordered())


def record(environment: Environment, *, now: datetime) -> int:
    """Record what is not settled yet of the last 92 days, the newest first; how many rows were written.

    The reading is done outside the transaction that writes, so that nobody waits for it.
    """
    rows = {row.key: row for row in Kpi.objects.all()}
    measured = [each for each in map(definition_of, rows.values()) if not each.measure.from_outside]
    wanted = _wanted(environment, measured, now)
    days = {period: day for day, period, _ in wanted}
    found = parts_of(environment, {period: definitions for _, period, definitions in wanted}, now=now)
    return _write(environment, rows, found, days, now=now)


def forget(*, now: datetime, keep: timedelta) -> int:
    """Forget days older than `keep`, of which less than 184 days count as 184; how many rows went.

    What a figure and the one before it are made of, and what would only be recorded again, stays.
    """
    return Day.objects.filter(day__lt=(now - max(keep, 2 * REACH)).date()).delete()[0]


def _wanted(
    environment: Environment, definitions: Sequence[Definition], now: datetime
) -> list[tuple[date, Period, list[Definition]]]:
    """The days with the KPIs that are to be recorded for them, at most so many as are done at once."""
    zone, since = zone_of(environment), began(environment)
    if since is None:
        return []
    today = day_of(now, zone)
    first = max(day_of(since, zone), today - REACH)
    done: dict[date, set[str]] = defaultdict(set)
    settled = Day.objects.filter(environment=environment, day__gte=first, settled=True, measured_at__lt=now + AHEAD)
    for day, key in settled.values_list("day", "kpi__key"):
        done[day].add(key)
    open_days = [
        (day, period_of(day, zone), left)
        for day in reversed(list(between(first, today + ONE)))
        if (left := [each for each in definitions if each.key not in done[day]])
    ]
    return open_days[:AT_ONCE]


@transaction.atomic
def _write(
    environment: Environment, rows: Mapping[str, Kpi], found: Found, days: Mapping[Period, date], *, now: datetime
) -> int:
    """Store what was found; what is settled, or was read a little later than this, stays as it is."""
    list(Kpi.objects.select_for_update().order_by("pk").values_list("pk"))
    newer = Day.objects.filter(environment=environment, day__in=set(days.values()), measured_at__lt=now + AHEAD)
    kept = {
        (key, day)
        for key, day, settled, at in newer.values_list("kpi__key", "day", "settled", "measured_at")
        if settled or at >= now
    }
    fresh = [
        _row(rows[key], environment, days[period], parts, settled=now >= period.end + SETTLED, now=now)
        for (key, period), parts in found.items()
        if (key, days[period]) not in kept
    ]
    Day.objects.bulk_create(
        fresh, update_conflicts=True, unique_fields=["kpi", "environment", "day"], update_fields=WRITTEN
    )
    return len(fresh)


def _row(kpi: Kpi, environment: Environment, day: date, parts: Parts, *, settled: bool, now: datetime) -> Day:
    return Day(
        kpi=kpi,
        environment=environment,
        day=day,
        part=parts.part,
        of=parts.of,
        n=parts.n,
        why=parts.why[:200],
        measured_at=now,
        settled=settled,
    )
