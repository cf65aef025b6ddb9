"""The time that a report is about, the times it is compared with, and how each is cut into days and quarters of days.

A day is a day of the report's zone: 23, 24 or 25 hours long. A week ends at the midnight that begins the day on which
its report is made. What it is compared with has the same weekdays, so that no Sunday is held against a Monday.
"""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

from core.calendar import on_the_clock, read_zone
from core.errors import Invalid

DAY = timedelta(days=1)
WEEK = timedelta(days=7)
HOUR = timedelta(hours=1)
LONGEST = timedelta(days=93)  # a quarter of a year: what is longer is no report of a week any more
QUARTERS = (0, 6, 12, 18)  # hours of the clock at which the quarters of a day begin
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True, slots=True)
class Period:
    """From `start` to just before `end`, both in UTC, in days of `zone`."""

    start: datetime
    end: datetime
    zone: str

    @property
    def clock(self) -> zoneinfo.ZoneInfo:
        """Its zone, which was read (and so refused, if there is none of this name) before a period was made."""
        return zoneinfo.ZoneInfo(self.zone)

    def words(self) -> str:
        """`4 to 10 August 2025`, or with the hours where it is not made of whole days. In its zone."""
        first, last = self.start.astimezone(self.clock), self.end.astimezone(self.clock)
        if last.time() != time() or first.time() != time():
            return f"{_day(first)} {first:%H:%M} to {_day(last)} {last:%H:%M}"
        last = (self.end - timedelta(seconds=1)).astimezone(self.clock)
        if first.date() == last.date():
            return _day(first)
        if (first.year, first.month) == (last.year, last.month):
            return f"{first.day} to {_day(last)}"
        return f"{_day(first)} to {_day(last)}"

    def edges(self, *, quarters: bool = False) -> list[int]:
        """Where its days (or their quarters by the clock) begin, and where the last one ends: unix seconds.

        The first and the last may be cut short. Where the clocks skip a beginning, it is when they go on.
        """
        marks = {int(self.start.timestamp()), int(self.end.timestamp())}
        hours = QUARTERS if quarters else QUARTERS[:1]
        for day in self._dates():
            for hour in hours:
                at = laid(day, time(hour), self.clock)
                if self.start < at < self.end:
                    marks.add(int(at.timestamp()))
        return sorted(marks)

    def lengths(self, edges: Sequence[int]) -> list[float]:
        """How much of a day each step between the edges is, by the clock: a whole one is 1, with 23 or 25 hours too."""
        local = [datetime.fromtimestamp(edge, self.clock).replace(tzinfo=None) for edge in edges]
        return [(end - start) / DAY for start, end in pairwise(local)]

    def back(self, days: int) -> Period:
        """The same hours by the clock, so many days earlier."""
        return Period(_back(self.start, days, self.clock), _back(self.end, days, self.clock), self.zone)

    def before(self) -> Period:
        """What it is compared with: the same weekdays, in the newest weeks that do not touch it."""
        local = self.end.astimezone(self.clock).replace(tzinfo=None) - self.start.astimezone(self.clock).replace(
            tzinfo=None
        )
        return self.back(7 * -(-local // WEEK))

    def weeks_before(self, weeks: int) -> Period:
        """So many weeks, up to its begin."""
        return Period(_back(self.start, 7 * weeks, self.clock), self.start, self.zone)

    def _dates(self) -> Iterator[date]:
        day, last = self.start.astimezone(self.clock).date(), self.end.astimezone(self.clock).date()
        while day <= last:
            yield day
            day += DAY


@dataclass(frozen=True, slots=True)
class Schedule:
    """When reports of a week are made: at a time of a weekday, by the clocks of a zone. `weekday` 0 is Monday."""

    zone: str
    weekday: int
    at: time

    def due(self, *, since: datetime, now: datetime, most: int) -> list[Period]:
        """The weeks whose report was due after `since` and is due now, oldest first: at most the newest `most`."""
        found: list[Period] = []
        zone = read_zone(self.zone)
        today = now.astimezone(zone).date()
        day = today - timedelta(days=(today.weekday() - self.weekday) % 7)
        while len(found) < most:
            due = laid(day, self.at, zone)
            if due <= since:
                break
            if due <= now:
                found.append(Period(laid(day - WEEK, time(), zone), laid(day, time(), zone), self.zone))
            day -= WEEK
        return found[::-1]

    def next(self, now: datetime) -> datetime:
        """When the next report is made."""
        zone = read_zone(self.zone)
        day = now.astimezone(zone).date()
        day += timedelta(days=(self.weekday - day.weekday()) % 7)
        due = laid(day, self.at, zone)
        return due if due > now else laid(day + WEEK, self.at, zone)


def by_hand(first: date, last: date, *, zone: str, now: datetime) -> Period:
    """The period from the first to the last day, both with it. Today ends with its last full hour.

    Raises Invalid (field `last`, or `first`) for days in the wrong order, in the future, or for more than 93 of them.
    """
    known = read_zone(zone)
    if last < first:
        raise Invalid(f"The last day ({last}) is before the first one ({first}). Swap them.", field="last")
    if last - first >= LONGEST:
        days = (last - first).days + 1
        raise Invalid(f"That is {days:,} days; a report covers at most {LONGEST.days}. Choose fewer.", field="first")
    start, end = laid(first, time(), known), laid(last + DAY, time(), known)
    hour = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    if last > now.astimezone(known).date() or start >= hour:
        today = now.astimezone(known).date()
        raise Invalid(f"Nothing is known of the future yet. In {zone} it is {today} now.", field="last")
    return Period(start, min(end, hour), zone)


def laid(day: date, at: time, zone: zoneinfo.ZoneInfo) -> datetime:
    """A time of the clock as a moment in UTC."""
    return on_the_clock(datetime.combine(day, at), zone).astimezone(UTC)


def _back(at: datetime, days: int, zone: zoneinfo.ZoneInfo) -> datetime:
    local = at.astimezone(zone).replace(tzinfo=None) - timedelta(days=days)
    return laid(local.date(), local.time(), zone)


def _day(at: datetime) -> str:
    return f"{at.day} {at:%B %Y}"
