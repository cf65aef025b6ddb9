"""Days of a zone as stretches of time: 23, 24 or 25 hours long, one after the other without a gap."""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta

from core.calendar import on_the_clock
from kpis.domain.figure import Period

ONE = timedelta(days=1)
SETTLED = timedelta(days=3)  # after its end a day is not computed again: what came late has come


def period_of(day: date, zone: zoneinfo.ZoneInfo) -> Period:
    """The day from its first moment to that of the next; both in UTC.

    In a zone that skips midnight on a day, the day begins when the clocks go on.
    """
    return Period(_begin(day, zone), _begin(day + ONE, zone))


def day_of(at: datetime, zone: zoneinfo.ZoneInfo) -> date:
    return at.astimezone(zone).date()


def between(start: date, end: date) -> Iterator[date]:
    """The days from `start` to before `end`."""
    for number in range((end - start).days):
        yield start + number * ONE


def within(start: datetime, end: datetime, zone: zoneinfo.ZoneInfo) -> tuple[date, date]:
    """The days that begin from `start` to before `end`: the first, and the one after the last."""
    return _first_from(start, zone), _first_from(end, zone)


def _begin(day: date, zone: zoneinfo.ZoneInfo) -> datetime:
    return on_the_clock(datetime.combine(day, time()), zone).astimezone(UTC)


def _first_from(at: datetime, zone: zoneinfo.ZoneInfo) -> date:
    day = day_of(at, zone)
    return day if _begin(day, zone) >= at else day + ONE
