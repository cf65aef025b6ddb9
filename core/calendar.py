"""When a freeze holds: local wall-clock time in a zone, repeated by an RFC 5545 rule.

The rule counts in local time without an offset, and each result is then laid on the zone: 18:00 stays 18:00 over a
change of the clocks. Where the clocks skip a time, it moves forward by as much as they do (RFC 5545, 3.3.5); where
they show it twice, the first is meant. Days of a duration are days of the calendar, what is left over is exact time
(RFC 5545, 3.3.6): a freeze of one day that begins at midnight ends at midnight.
"""

from __future__ import annotations

import zoneinfo
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import dropwhile, islice, pairwise, takewhile

from core.errors import Invalid
from core.recurrence import comes, read_rule, starts

SHORTEST = timedelta(minutes=1)
LONGEST = timedelta(days=31)
MOST_EXCEPTIONS = 400
YEARS = range(2000, 2200)  # of the start
MARGIN = timedelta(days=2)  # more than any zone is away from UTC, and than any change of the clocks
CHECKED = 500  # occurrences that are looked at for overlaps: more than nine years of a weekly rule
REACH = timedelta(days=366 * 28)  # how far ahead the next occurrence is looked for: 29 February on a Monday


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One time the freeze holds, from `starts_at` to just before `ends_at`; both in the freeze's zone.

    `moved` tells that the clocks skip the planned start, and to when it moved; else empty.
    """

    starts_at: datetime
    ends_at: datetime
    moved: str = ""

    def __str__(self) -> str:
        """`Fri 29 Aug 2025 18:00 to Sat 30 Aug 2025 08:00 CEST`, or to 23:00 on the same day."""
        same_day = self.starts_at.date() == self.ends_at.date()
        end = f"{self.ends_at:%H:%M}" if same_day else _day(self.ends_at)
        return f"{_day(self.starts_at)} to {end} {self.ends_at.tzname()}"

    def holds(self, at: datetime) -> bool:
        return self.starts_at <= at < self.ends_at


@dataclass(frozen=True, slots=True)
class Timetable:
    """When a freeze holds: `read` makes one of what people type, `stored` of what was read before.

    `start` is local time without an offset; on the local dates `but_not` no occurrence starts.
    """

    start: datetime
    zone: zoneinfo.ZoneInfo
    duration: timedelta
    recurrence: str
    but_not: frozenset[date]

    def between(self, since: datetime, until: datetime) -> Iterator[Occurrence]:
        """The occurrences that hold at some time in [since, until), earliest first."""
        first = _local(since, self.zone) - self.duration - MARGIN
        last = _local(until, self.zone) + MARGIN
        laid = (self._laid(local) for local in self._starts(first, last))
        near = dropwhile(lambda each: each.ends_at <= since, laid)
        return takewhile(lambda each: each.starts_at < until, near)

    def at(self, now: datetime) -> Occurrence | None:
        """The occurrence that holds now, if one does: at most one can."""
        return next(self.between(now, now + timedelta.resolution), None)

    def after(self, now: datetime, most: int = 1) -> list[Occurrence]:
        """The next occurrences that start after `now`: at most so many, none more than 28 years ahead."""
        ahead = (each for each in self.between(now, now + REACH) if each.starts_at > now)
        return list(islice(ahead, most))

    def _starts(self, first: datetime, last: datetime) -> Iterator[datetime]:
        """Local starts up to `last`, from some time before `first` on."""
        if self.recurrence:
            planned = starts(self.recurrence, self.start, first=first, last=last, zone=self.zone)
        else:
            planned = iter([self.start])
        return (local for local in planned if local.date() not in self.but_not)

    def _laid(self, local: datetime) -> Occurrence:
        starts_at = on_the_clock(local, self.zone)
        days = timedelta(days=self.duration.days)
        ends_at = on_the_clock(local + days, self.zone).astimezone(UTC) + (self.duration - days)
        shown = starts_at.replace(tzinfo=None)
        moved = "" if shown == local else f"The clocks skip {local:%H:%M} on {local:%Y-%m-%d}: it is {shown:%H:%M}."
        return Occurrence(starts_at, ends_at.astimezone(self.zone), moved)


def read(*, start: str, zone: str, seconds: int, recurrence: str = "", but_not: Collection[str] = ()) -> Timetable:
    """Check what somebody typed, and make the timetable.

    Args:
        start: local time, ISO 8601 without an offset.
        zone: IANA name.
        seconds: how long each occurrence holds, 60 to 31 days.
        recurrence: the value of an RRULE; empty for once.
        but_not: local dates, ISO 8601.

    Raises:
        Invalid: with `field` starts_at, zone, duration, recurrence or but_not.
    """
    duration = timedelta(seconds=seconds)
    if not SHORTEST <= duration <= LONGEST:
        raise Invalid("A freeze holds for 1 minute to 31 days at a time.", field="duration")
    rule = read_rule(recurrence) if recurrence.strip() else ""
    timetable = Timetable(read_start(start), read_zone(zone), duration, rule, _read_dates(but_not))
    _check_occurrences(timetable)
    return timetable


def stored(*, start: str, zone: str, seconds: int, recurrence: str, but_not: Collection[str]) -> Timetable:
    """The timetable of fields that `read` checked before they were stored."""
    days = frozenset(date.fromisoformat(text) for text in but_not)
    return Timetable(
        datetime.fromisoformat(start), zoneinfo.ZoneInfo(zone), timedelta(seconds=seconds), recurrence, days
    )


def read_zone(name: str) -> zoneinfo.ZoneInfo:
    """The zone of this IANA name, or Invalid."""
    if name not in zoneinfo.available_timezones():
        raise Invalid(
            f"There is no time zone {name!r}. Name one as IANA does, for example Europe/Berlin.", field="zone"
        )
    return zoneinfo.ZoneInfo(name)


def read_start(text: str) -> datetime:
    """A local time without an offset, or Invalid."""
    try:
        local = datetime.fromisoformat(text)
    except ValueError:
        raise Invalid(f"{text!r} is no date and time. Write it like 2025-08-29T18:00.", field="starts_at") from None
    if local.tzinfo is not None:
        raise Invalid(
            "Give the start as local time, without an offset: the zone is a field of its own.", field="starts_at"
        )
    if local.year not in YEARS:
        raise Invalid(f"A freeze starts between {YEARS[0]} and {YEARS[-1]}.", field="starts_at")
    return local.replace(microsecond=0)


def _read_dates(texts: Collection[str]) -> frozenset[date]:
    if len(texts) > MOST_EXCEPTIONS:
        raise Invalid(f"A freeze can leave out at most {MOST_EXCEPTIONS} days.", field="but_not")
    found = set()
    for text in texts:
        try:
            found.add(date.fromisoformat(text))
        except ValueError:
            raise Invalid(f"{text!r} is no date. Write it like 2025-12-24.", field="but_not") from None
    return frozenset(found)


def _check_occurrences(timetable: Timetable) -> None:
    """There is one at all, and none begins before the one before it has ended."""
    if timetable.recurrence and not comes(timetable.recurrence, timetable.start):
        raise Invalid("This rule names days that never come.", field="recurrence")
    first = timetable.start.replace(tzinfo=UTC) - MARGIN
    found = list(islice(timetable.between(first, first + REACH), CHECKED))
    if not found:
        raise Invalid("It would never hold: no day is left on which it starts.", field="recurrence")
    for earlier, later in pairwise(found):
        if later.starts_at < earlier.ends_at:
            raise Invalid(
                f"The occurrence of {earlier.starts_at:%Y-%m-%d %H:%M} lasts until {earlier.ends_at:%Y-%m-%d %H:%M}, "
                f"and the next one starts {later.starts_at:%Y-%m-%d %H:%M}. Make it shorter, or the rule rarer.",
                field="duration",
            )


def _day(at: datetime) -> str:
    return f"{at:%a} {at.day} {at:%b %Y %H:%M}"


def on_the_clock(local: datetime, zone: zoneinfo.ZoneInfo) -> datetime:
    """The moment of a local time. Through UTC and back: a time that the clocks skip moves forward by what they skip."""
    return local.replace(tzinfo=zone).astimezone(UTC).astimezone(zone)


def _local(at: datetime, zone: zoneinfo.ZoneInfo) -> datetime:
    return at.astimezone(zone).replace(tzinfo=None)
