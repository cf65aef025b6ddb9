"""Where a figure changed for good within the time of a report, and what was done shortly before.

What came before is told as before, and as nothing else: that two things follow each other makes none of them the cause.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from reports.domain.changes import changes
from reports.domain.comparison import Day, estimate
from reports.domain.measures import Better, Measured
from reports.domain.periods import Period
from reports.domain.sentences import Direction, amount, short

NEAR = timedelta(hours=12)  # so long before a change something may have come that is told with it
MOST = 3  # of them, the nearest
KNOWN = 0.8  # of the quarters of the week before: with fewer the figures themselves are looked at


@dataclass(frozen=True, slots=True)
class Turn:
    """From `start` to `until` (one quarter of a day) the figure went from one value to another."""

    measured: Measured
    start: datetime
    until: datetime
    before: float
    after: float

    @property
    def direction(self) -> Direction:
        higher = self.after > self.before
        if self.measured.measure.better is Better.NEITHER:
            return Direction.HIGHER if higher else Direction.LOWER
        return Direction.BETTER if higher is (self.measured.measure.better is Better.HIGHER) else Direction.WORSE

    def told(self, period: Period, events: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """As the report has it."""
        near = [event for event in events if self.start - NEAR <= datetime.fromisoformat(event["at"]) < self.until]
        near = near[-MOST:]
        after = "; ".join(f"{event['what']} ({_when(event['at'], period)})" for event in near)
        unit = self.measured.measure.unit
        first, last = self.start.astimezone(period.clock), self.until.astimezone(period.clock)
        moved = f"went from {amount(self.before, unit)} to {amount(self.after, unit)}"
        when = f"on {first:%A} {first.day} {first:%B} between {first:%H:%M} and {last:%H:%M}"
        return {
            "name": self.measured.name,
            "label": self.measured.label,
            "direction": self.direction.value,
            "from": short(self.before),
            "to": short(self.after),
            "start": self.start.isoformat(),
            "until": self.until.isoformat(),
            "sentence": f"{self.measured.label} {moved} {when}{f', after: {after}' if after else ''}.",
            "events": [event["id"] for event in near],
        }


def turns(measured: Measured, period: Period) -> list[Turn]:
    """Where this figure changed for good."""
    edges = period.edges(quarters=True)
    if len(measured.quarters_now) != len(edges) - 1:
        return []
    values = _held_against(measured)
    found = changes([value for _, value in values])
    marks = [0, *(values[change.at][0] for change in found), len(measured.quarters_now)]
    parts = [_mean(measured, measured.quarters_now[start:end]) for start, end in pairwise(marks)]
    return [
        Turn(measured, _at(edges[place]), _at(edges[place + 1]), before, after)
        for place, (before, after) in zip(marks[1:-1], pairwise(parts), strict=True)
        if before is not None and after is not None
    ]


def _held_against(measured: Measured) -> list[tuple[int, float]]:
    """Each quarter that was measured with its place: less the same quarter of the week before, where most are known."""
    now = [(place, measured.value(day)) for place, day in enumerate(measured.quarters_now)]
    known = [(place, value) for place, value in now if value is not None]
    before = [measured.value(day) for day in measured.quarters_before]
    if len(before) == len(now):
        both = [(place, value - then) for place, value in known if (then := before[place]) is not None]
        if known and len(both) >= KNOWN * len(known):
            return both
    return known


def _mean(measured: Measured, days: Sequence[Day | None]) -> float | None:
    found = estimate(days, measured.measure.kind)
    if found is None:
        return None
    return found.part / found.days if measured.measure.kind == "count" else found.value


def _at(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC)


def _when(at: str, period: Period) -> str:
    local = datetime.fromisoformat(at).astimezone(period.clock)
    return f"{local:%a %H:%M}"
