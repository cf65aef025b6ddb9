"""What the days of a component were like, computed from the changes of its state. A day is one of UTC.

Uptime counts as Statuspage's does: a major outage whole, a partial one for 30 %; degraded performance and planned
maintenance not at all. Time before the component was there is no time of the component.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from statuspage.domain.states import ComponentState, worst

DAYS = 90
WEIGHT = {ComponentState.MAJOR: 1.0, ComponentState.PARTIAL: 0.3}
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Change:
    """From `at` on the component is in `state`."""

    at: datetime
    state: ComponentState


@dataclass(frozen=True, slots=True)
class Day:
    """One day: how long the component was in each state, in seconds. Nothing of the future is counted."""

    date: date
    seconds: dict[ComponentState, float] = field(default_factory=dict)

    @property
    def known(self) -> float:
        """Seconds of which anything is known."""
        return sum(self.seconds.values())

    @property
    def worst(self) -> ComponentState | None:
        """The worst state of the day; None when the component was not there."""
        return worst(self.seconds) if self.seconds else None

    @property
    def down(self) -> float:
        """Seconds that count as down."""
        return sum(WEIGHT.get(state, 0) * seconds for state, seconds in self.seconds.items())


def days(changes: Sequence[Change], *, now: datetime, count: int = DAYS) -> list[Day]:
    """The last `count` days up to `now`, the oldest first. `changes` are in their order; the first tells since when
    the component is there."""
    first = datetime.combine(now.astimezone(UTC).date(), time(), UTC) - (count - 1) * _DAY
    found = [Day((first + number * _DAY).date()) for number in range(count)]
    ends = [*(change.at for change in changes[1:]), now]
    for change, end in zip(changes, ends, strict=True):
        _spread(found, first, change.state, max(change.at, first), min(end, now))
    return found


def uptime(days: Sequence[Day]) -> float | None:
    """The share of the known time in which the component was up, in percent; None when nothing is known."""
    known = sum(day.known for day in days)
    return 100 * (1 - sum(day.down for day in days) / known) if known else None


def _spread(days: list[Day], first: datetime, state: ComponentState, start: datetime, end: datetime) -> None:
    """Add the time from `start` to `end` to the days it falls on."""
    while start < end:
        number = (start - first) // _DAY
        until = min(end, first + (number + 1) * _DAY)
        seconds = days[number].seconds
        seconds[state] = seconds.get(state, 0) + (until - start).total_seconds()
        start = until
