"""Shifts: who has to come from when to when, laid over each other so that of two the upper one counts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise


@dataclass(frozen=True, slots=True)
class Shift:
    """From `starts_at` to just before `ends_at`. `source` names the layer, the override or the feed it comes from."""

    starts_at: datetime
    ends_at: datetime
    people: tuple[str, ...]
    source: str = ""

    def holds(self, at: datetime) -> bool:
        return self.starts_at <= at < self.ends_at


@dataclass(frozen=True, slots=True)
class Gap:
    """A time in which nobody is on call."""

    starts_at: datetime
    ends_at: datetime


def laid_over(upper: Sequence[Shift], lower: Iterable[Shift]) -> list[Shift]:
    """All of `upper`, and what it leaves free of `lower`. Both are in order and without overlaps, as is the result."""
    return sorted([*upper, *_left(lower, upper)], key=lambda shift: shift.starts_at)


def clipped(shifts: Iterable[Shift], since: datetime, until: datetime) -> Iterator[Shift]:
    """What of them lies in [since, until)."""
    for shift in shifts:
        starts_at, ends_at = max(shift.starts_at, since), min(shift.ends_at, until)
        if starts_at < ends_at:
            yield replace(shift, starts_at=starts_at, ends_at=ends_at)


def merged(shifts: Iterable[Shift]) -> list[Shift]:
    """What follows without a break with the same people becomes one; it has the source of its beginning."""
    found: list[Shift] = []
    for shift in shifts:
        if found and (found[-1].ends_at, found[-1].people) == (shift.starts_at, shift.people):
            found[-1] = replace(found[-1], ends_at=shift.ends_at)
        else:
            found.append(shift)
    return found


def together(shifts: Sequence[Shift]) -> list[Shift]:
    """Shifts that may overlap, as shifts that do not: where two meet, the people of both are on call."""
    edges = sorted({edge for shift in shifts for edge in (shift.starts_at, shift.ends_at)})
    beginning = sorted(shifts, key=lambda shift: shift.starts_at)
    found: list[Shift] = []
    open_now: list[Shift] = []
    position = 0
    for starts_at, ends_at in pairwise(edges):
        while position < len(beginning) and beginning[position].starts_at <= starts_at:
            open_now.append(beginning[position])
            position += 1
        open_now = [shift for shift in open_now if shift.ends_at > starts_at]
        people = tuple(dict.fromkeys(name for shift in open_now for name in shift.people))
        if people:
            found.append(Shift(starts_at, ends_at, people, open_now[0].source))
    return merged(found)


def gaps(shifts: Sequence[Shift], since: datetime, until: datetime) -> list[Gap]:
    """What the shifts, in order and without overlaps, leave of [since, until)."""
    ends = [since, *(shift.ends_at for shift in shifts)]
    starts = [*(shift.starts_at for shift in shifts), until]
    return [Gap(end, start) for end, start in zip(ends, starts, strict=True) if end < start]


def _left(lower: Iterable[Shift], upper: Sequence[Shift]) -> Iterator[Shift]:
    """The parts of the lower shifts that no upper one covers."""
    passed = 0
    for shift in lower:
        at = shift.starts_at
        while passed < len(upper) and upper[passed].ends_at <= at:
            passed += 1
        for over in upper[passed:]:
            if over.starts_at >= shift.ends_at:
                break
            if over.starts_at > at:
                yield replace(shift, starts_at=at, ends_at=over.starts_at)
            at = max(at, over.ends_at)
        if at < shift.ends_at:
            yield replace(shift, starts_at=at)
