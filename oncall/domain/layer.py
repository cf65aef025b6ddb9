"""A layer of a schedule: people in turns, by the clocks of a zone.

A turn counts in local time and its hand-over is then laid on the zone (core.calendar): 09:00 stays 09:00 when the
clocks change, and the turn over that night is an hour longer or shorter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from core.calendar import on_the_clock, read_start
from core.errors import Invalid
from core.texts import need_text
from oncall.domain.shifts import Shift, clipped
from rollouts.domain import hours
from rollouts.domain.hours import Hours

MOST_PEOPLE = 50
SHORTEST, LONGEST = timedelta(hours=1), timedelta(weeks=52)
NAME = re.compile(r"[\w.@+-]{1,150}")  # as Django has user names
_LENGTH = re.compile(r"(?:(\d{1,4})w)?(?:(\d{1,4})d)?(?:(\d{1,4})h)?")
_KEYS = ("name", "people", "starts", "turn", "hours")


@dataclass(frozen=True, slots=True)
class Layer:
    """`people` have turns of `turn` one after the other, from the local time `first` on; nobody before it.

    `hours` limits all turns to these times of the day and days of the week; None: all day, every day.
    """

    name: str
    people: tuple[str, ...]
    first: datetime
    turn: timedelta
    zone: ZoneInfo
    hours: Hours | None = None

    def shifts(self, since: datetime, until: datetime) -> Iterator[Shift]:
        """What of the turns touches [since, until), in order and without overlaps, in UTC."""
        if self.hours is None:
            yield from self._turns(since, until)
            return
        for opens, closes in self.hours.between(since, until):
            yield from clipped(self._turns(opens, closes), opens, closes)

    @property
    def turn_words(self) -> str:
        """`a week each`, `12 hours each`."""
        whole = int(self.turn.total_seconds()) // 3600
        size, unit = next(each for each in ((168, "week"), (24, "day"), (1, "hour")) if whole % each[0] == 0)
        count = whole // size
        return f"one {unit} each" if count == 1 else f"{count} {unit}s each"

    def to_dict(self) -> dict[str, Any]:
        """As a playbook writes it, and `read` takes it."""
        own = {"zone"} if self.hours is None or self.hours.zone == self.zone else set()
        limited = self.hours.to_dict() if self.hours else {}
        return {
            "name": self.name,
            "people": list(self.people),
            "starts": self.first.isoformat(timespec="minutes"),
            "turn": length_text(self.turn),
            "hours": {key: value for key, value in limited.items() if key not in own},
        }

    def _turns(self, since: datetime, until: datetime) -> Iterator[Shift]:
        number = self._number(since)
        starts_at = self._handover(number)
        while starts_at < until:
            ends_at = self._handover(number + 1)
            if max(starts_at, since) < ends_at:
                yield Shift(starts_at, ends_at, (self.people[number % len(self.people)],), self.name)
            number, starts_at = number + 1, ends_at

    def _number(self, at: datetime) -> int:
        """The turn in which `at` lies; 0 before the first.

        Local time tells it but for the hours in which the clocks change: there a neighbour may have it.
        """
        local = at.astimezone(self.zone).replace(tzinfo=None)
        number = max(0, (local - self.first) // self.turn + 1)
        while number > 0 and self._handover(number) > at:
            number -= 1
        return number

    def _handover(self, number: int) -> datetime:
        """When this turn begins, in UTC."""
        return on_the_clock(self.first + number * self.turn, self.zone).astimezone(UTC)


def read(values: Mapping[str, Any], zone: ZoneInfo, path: str) -> Layer:
    """Check what a person or a file says of a layer. Invalid has a field below `path`, such as `layers.0.people`."""
    unknown = sorted(set(values) - set(_KEYS))
    if unknown:
        raise Invalid(f"{unknown[0]!r} is not known here: a layer has {', '.join(_KEYS)}.", field=path)
    given = values.get("name") or ""
    name = need_text(given, "Give the layer a name, for example Weekly.", field=f"{path}.name", longest=80)
    with_path = {"starts_at": f"{path}.starts", "zone": f"{path}.hours", "hours": f"{path}.hours"}
    try:
        first = read_start(str(values.get("starts") or ""))
        limited = hours.read(values.get("hours") or {}, zone=zone.key)
    except Invalid as error:
        raise Invalid(str(error), field=with_path.get(error.field or "", path)) from None
    return Layer(
        name,
        _people(values.get("people"), f"{path}.people"),
        first.replace(second=0),
        read_length(str(values.get("turn") or ""), f"{path}.turn"),
        zone,
        limited,
    )


def read_length(text: str, field: str = "turn") -> timedelta:
    """`1w`, `2d` or `12h` as a length, or Invalid."""
    found = _LENGTH.fullmatch(text)
    weeks, days, whole = (int(part or 0) for part in found.groups()) if found and text else (0, 0, 0)
    length = timedelta(weeks=weeks, days=days, hours=whole)
    if not SHORTEST <= length <= LONGEST:
        raise Invalid(f"{text!r} is no turn. Write 1w, 2d or 12h: from 1 hour to 52 weeks.", field=field)
    return length


def length_text(length: timedelta) -> str:
    """The shortest text that `read_length` takes for it."""
    whole = int(length.total_seconds()) // 3600
    for size, unit in ((168, "w"), (24, "d")):
        if whole % size == 0:
            return f"{whole // size}{unit}"
    return f"{whole}h"


def _people(names: Any, field: str) -> tuple[str, ...]:
    if not isinstance(names, list | tuple) or not 1 <= len(names) <= MOST_PEOPLE:
        raise Invalid(f"Name the people of the layer in their order: 1 to {MOST_PEOPLE} user names.", field=field)
    for name in names:
        if not isinstance(name, str) or not NAME.fullmatch(name):
            raise Invalid(f"{name!r} is no user name.", field=field)
    return tuple(names)
