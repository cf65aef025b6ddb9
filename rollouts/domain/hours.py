"""When the steps of a ramp may be taken: on which days of the week, between which times of the clock, in which zone.

Both times are laid on the zone as those of a freeze are (core.calendar): one that the clocks skip moves forward by
what they skip, of one that they show twice the first is meant. What begins on a day that a zone leaves out falls out.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from core.calendar import on_the_clock, read_zone
from core.errors import Invalid
from core.repeating import WEEKDAYS, joined

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
WORKING = DAYS[:5]
_NAMES = tuple(WEEKDAYS.values())
_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
_AHEAD = range(-1, 16)  # days that are looked at: two weeks, and the evening before; a zone left out one day at most


@dataclass(frozen=True, slots=True)
class Hours:
    """From `opens` to `closes` on each of `days` (0 is Monday).

    When `closes` is not after `opens` it is on the next day; the same time means a whole day.
    """

    opens: time
    closes: time
    days: frozenset[int]
    zone: ZoneInfo

    def next(self, at: datetime) -> datetime:
        """The first moment at or after `at` at which a step may be taken; `at` itself when one may be then. UTC."""
        moment = at.astimezone(UTC)
        return next(max(moment, opens) for opens, closes in self._spans(moment) if moment < closes)

    def why_not(self, at: datetime) -> str:
        """A sentence with the next time, or nothing when a step may be taken."""
        then = self.next(at)
        if then == at.astimezone(UTC):
            return ""
        local = then.astimezone(self.zone)
        return f"Steps are taken {self}: the next time is {local:%a} {local.day} {local:%b %Y %H:%M %Z}."

    def between(self, since: datetime, until: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Each time from opening to closing that touches [since, until), whole, in UTC, earliest first."""
        first = since.astimezone(self.zone).date() - timedelta(days=2)
        days = (first + timedelta(days=number) for number in range((until - since).days + 5))
        return ((opens, closes) for opens, closes in self._of(days) if closes > since and opens < until)

    def to_dict(self) -> dict[str, Any]:
        """As JSON keeps it, and `read` takes it."""
        return {
            "from": f"{self.opens:%H:%M}",
            "to": f"{self.closes:%H:%M}",
            "days": [DAYS[day] for day in sorted(self.days)],
            "zone": self.zone.key,
        }

    def __str__(self) -> str:
        """`Monday to Friday 09:00 to 17:00 (Europe/Zurich)`."""
        until = f"{self.closes:%H:%M}{' on the next day' if self.opens > self.closes > time() else ''}"
        when = "all day" if self.opens == self.closes else f"{self.opens:%H:%M} to {until}"
        return f"{_days(sorted(self.days))} {when} ({self.zone.key})"

    def _spans(self, at: datetime) -> Iterator[tuple[datetime, datetime]]:
        """From and until when steps may be taken around and after `at`, in UTC, earliest first."""
        today = at.astimezone(self.zone).date()
        return self._of(today + timedelta(days=n) for n in _AHEAD)

    def _of(self, days: Iterable[date]) -> Iterator[tuple[datetime, datetime]]:
        for day in days:
            last = day if self.opens < self.closes else day + timedelta(days=1)
            first = on_the_clock(datetime.combine(day, self.opens), self.zone)
            until = on_the_clock(datetime.combine(last, self.closes), self.zone).astimezone(UTC)
            if day.weekday() in self.days and first.date() == day and first.astimezone(UTC) < until:
                yield first.astimezone(UTC), until


def read(values: Mapping[str, Any], *, zone: str) -> Hours | None:
    """Hours as playbook and doors write them: `from` and `to` as HH:MM, `days` (Monday to Friday if left out), `zone`.

    Args:
        values: none of them means any time, which is None.
        zone: the IANA name that holds when the values name none.

    Raises:
        Invalid: with the field `hours`, or `zone`.
    """
    if not values:
        return None
    unknown = sorted(set(values) - {"from", "to", "days", "zone"})
    if unknown:
        raise _wrong(f"{unknown[0]!r} is not known: hours have from, to, days and zone.")
    opens, closes = (_time(values.get(name), name) for name in ("from", "to"))
    return Hours(opens, closes, _read_days(values.get("days", WORKING)), read_zone(values.get("zone") or zone))


def stored(values: Mapping[str, Any]) -> Hours | None:
    """The hours that `to_dict` made of what `read` checked before."""
    if not values:
        return None
    days = frozenset(DAYS.index(name) for name in values["days"])
    opens, closes = time.fromisoformat(values["from"]), time.fromisoformat(values["to"])
    return Hours(opens, closes, days, ZoneInfo(values["zone"]))


def _time(value: Any, name: str) -> time:
    if not isinstance(value, str) or not _TIME.fullmatch(value):
        raise _wrong(f"`{name}` is a time of day like 09:00, from 00:00 to 23:59, not {value!r}.")
    return time.fromisoformat(value)


def _read_days(names: Any) -> frozenset[int]:
    if not isinstance(names, (list, tuple)) or not names or any(name not in DAYS for name in names):
        raise _wrong(f"`days` names one or more of {', '.join(DAYS)}, not {names!r}.")
    return frozenset(DAYS.index(name) for name in names)


def _wrong(message: str) -> Invalid:
    return Invalid(message, field="hours")


def _days(days: Collection[int]) -> str:
    names = [_NAMES[day] for day in days]
    if len(names) == len(DAYS):
        return "every day"
    run = all(later == earlier + 1 for earlier, later in pairwise(days))
    return f"{names[0]} to {names[-1]}" if run and len(names) > 2 else joined(names)
