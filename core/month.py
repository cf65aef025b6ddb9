"""A month as a calendar shows it: weeks as rows, and what lasts longer than a day as a bar across them."""

from __future__ import annotations

import calendar
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Generic, TypeVar

from core.errors import Invalid

Thing = TypeVar("Thing")
YEARS = range(2000, 2200)


@dataclass(frozen=True, slots=True)
class Bar(Generic[Thing]):
    """A thing in one week: from `column` (1 is Monday) over `width` days, in the row `lane` (from 1).

    `begins` and `ends` tell whether it does so in this week.
    """

    thing: Thing
    column: int
    width: int
    lane: int
    begins: bool
    ends: bool


@dataclass(frozen=True, slots=True)
class Week(Generic[Thing]):
    days: tuple[date, ...]
    bars: tuple[Bar[Thing], ...]

    @property
    def lanes(self) -> int:
        return max((bar.lane for bar in self.bars), default=0)


@dataclass(frozen=True, slots=True)
class Month:
    year: int
    number: int

    def __str__(self) -> str:
        return f"{self.year:04}-{self.number:02}"

    @property
    def first(self) -> date:
        return date(self.year, self.number, 1)

    def moved(self, months: int) -> Month:
        years, rest = divmod(self.number - 1 + months, 12)
        return Month(self.year + years, rest + 1)

    @property
    def days(self) -> Sequence[tuple[date, ...]]:
        """Whole weeks from Monday to Sunday, with the days of the months before and after."""
        return [tuple(week) for week in calendar.Calendar().monthdatescalendar(self.year, self.number)]


def read(text: str) -> Month:
    """`2025-08` as a month, or Invalid."""
    try:
        found = date.fromisoformat(f"{text}-01")
    except ValueError:
        raise Invalid(f"{text!r} is no month. Write it like 2025-08.", field="month") from None
    if found.year not in YEARS:
        raise Invalid(f"The calendar goes from {YEARS[0]} to {YEARS[-1]}.", field="month")
    return Month(found.year, found.month)


def weeks(month: Month, things: Iterable[tuple[date, date, Thing]]) -> list[Week[Thing]]:
    """The month's weeks with each thing, given by its first and last day, in the uppermost row that is free."""
    ordered = sorted(things, key=lambda each: (each[0], each[0] - each[1]))
    return [Week(days, _bars(days, ordered)) for days in month.days]


def _bars(days: tuple[date, ...], things: Sequence[tuple[date, date, Thing]]) -> tuple[Bar[Thing], ...]:
    free_from: list[date] = []  # the first free day of each row
    bars = []
    for first, last, thing in things:
        if last < days[0] or first > days[-1]:
            continue
        shown, until = max(first, days[0]), min(last, days[-1])
        lane = next((row for row, free in enumerate(free_from) if free <= shown), len(free_from))
        free_from[lane : lane + 1] = [until + timedelta(days=1)]
        column, width = (shown - days[0]).days + 1, (until - shown).days + 1
        bars.append(Bar(thing, column, width, lane + 1, first >= days[0], last <= days[-1]))
    return tuple(bars)
