"""The figures of the KPIs: over any days, now, and how they went. Made of the days that the clock has recorded."""

from __future__ import annotations

import zoneinfo
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from django.utils import timezone

from core import environments
from core.calendar import read_zone
from core.errors import Invalid, NotFound
from kpis.domain.days import ONE, between, day_of, period_of, within
from kpis.domain.definition import Definition
from kpis.domain.figure import Figure, Parts, Period, added, figure
from kpis.models import Day, OutsideFigure
from kpis.selectors import outside
from kpis.selectors.registry import definitions

if TYPE_CHECKING:
    from core.models import Environment

SHOWN = 28  # days of a small picture
MOST_DAYS = 366  # of a history


def board(environment_id: int, *, start: datetime, end: datetime) -> list[Figure]:
    """Every KPI over the days of the environment that begin from `start` to before `end`, with the days before.

    Four queries. Raises NotFound for an unknown environment, Invalid for a time that has no day in it.
    """
    environment = environments.ordered().filter(pk=environment_id).first()
    if environment is None:
        raise NotFound(f"There is no environment {environment_id}.")
    first, last = within(start, end, zone_of(environment))
    if first >= last:
        raise Invalid("No day of the environment begins in this time: make it longer.", field="end")
    found = definitions()
    reach = max([(last - first).days, *(each.window for each in found if each.measure.from_outside)])
    kept = load(environment, found, last - 2 * timedelta(days=reach), last)
    return [kept.compared(each, _least(each, first, last), last) for each in found]


def current(environment: Environment, *, now: datetime) -> list[Figure]:
    """Every KPI over its own window, which ends with today as far as it is recorded. Three queries."""
    return [each for each, _ in drawn(environment, now=now)]


def drawn(environment: Environment, *, now: datetime) -> list[tuple[Figure, list[float | None]]]:
    """The same, each with its value at the end of every one of the last 28 days, oldest first. Three queries."""
    found = definitions()
    last = day_of(now, zone_of(environment)) + ONE
    longest = max((each.window for each in found), default=1)
    kept = load(environment, found, last - timedelta(days=longest + max(longest, SHOWN)), last)
    first = last - timedelta(days=SHOWN)
    return [
        (
            kept.compared(each, last - timedelta(days=each.window), last),
            [figure.value for _, figure in kept.line(each, first, last)],
        )
        for each in found
    ]


def standing(environment: Environment, definition: Definition, *, now: datetime) -> Figure:
    """One KPI over its own window, with the time before. Two queries."""
    last = day_of(now, zone_of(environment)) + ONE
    first = last - timedelta(days=definition.window)
    kept = load(environment, [definition], first - timedelta(days=definition.window), last)
    return kept.compared(definition, first, last)


def history(environment: Environment, definition: Definition, *, days: int, now: datetime) -> list[tuple[date, Figure]]:
    """The figure as it stood at the end of each of the last days, oldest first, today among them. Two queries.

    Raises Invalid for more than a year.
    """
    if not 1 <= days <= MOST_DAYS:
        raise Invalid(f"A history covers 1 to {MOST_DAYS} days.", field="days")
    last = day_of(now, zone_of(environment)) + ONE
    first = last - timedelta(days=days)
    kept = load(environment, [definition], first - timedelta(days=definition.window), last)
    return kept.line(definition, first, last)


def zone_of(environment: Environment) -> zoneinfo.ZoneInfo:
    """The zone whose days count there."""
    return read_zone(environment.zone or timezone.get_default_timezone_name())


@dataclass(frozen=True, slots=True)
class Kept:
    """What is recorded of some KPIs in an environment, read once."""

    zone: zoneinfo.ZoneInfo
    days: Mapping[str, Mapping[date, Parts]]
    reported: Mapping[str, Sequence[OutsideFigure]]

    def over(self, definition: Definition, first: date, last: date) -> Figure:
        """The figure over the days from `first` to before `last`."""
        period = Period(period_of(first, self.zone).start, period_of(last, self.zone).start)
        return figure(definition, added(self._parts(definition, first, last)), period)

    def compared(self, definition: Definition, first: date, last: date) -> Figure:
        """The same, with as many days before."""
        return self.over(definition, first, last).after(self.over(definition, first - (last - first), first))

    def line(self, definition: Definition, first: date, last: date) -> list[tuple[date, Figure]]:
        """For each day the figure over the window that ends with it."""
        reach = timedelta(days=definition.window)
        return [(day, self.over(definition, day + ONE - reach, day + ONE)) for day in between(first, last)]

    def _parts(self, definition: Definition, first: date, last: date) -> list[Parts]:
        if definition.measure.from_outside:
            return outside.parts_of(self.reported.get(definition.key, ()), first, last)
        kept = self.days.get(definition.key, {})
        return [kept[day] for day in between(first, last) if day in kept]


def load(environment: Environment, found: Sequence[Definition], first: date, last: date) -> Kept:
    """What is recorded of these KPIs for the days from `first` to before `last`. Two queries."""
    days: dict[str, dict[date, Parts]] = {each.key: {} for each in found}
    rows = Day.objects.filter(environment=environment, kpi__key__in=days, day__gte=first, day__lt=last).order_by("day")
    for key, day, part, of, n, why, at in rows.values_list("kpi__key", "day", "part", "of", "n", "why", "measured_at"):
        days[key][day] = Parts(part, of, n, why, at)
    theirs = [each.key for each in found if each.measure.from_outside]
    return Kept(zone_of(environment), days, outside.standing(environment.pk, theirs))


def _least(definition: Definition, first: date, last: date) -> date:
    """A figure from outside covers at least its own window: it is reported for weeks or months."""
    if not definition.measure.from_outside:
        return first
    return min(first, last - timedelta(days=definition.window))
