"""What a figure did since the time before, in a plain sentence. It tells what changed, never why."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from kpis.domain.figure import Figure
from kpis.domain.target import Better
from kpis.domain.words import amount

SAME = 0.01  # of the value before, of percents of what is nearer, none or all: what changed less is the same


class Direction(StrEnum):
    BETTER = "better"
    WORSE = "worse"
    SAME = "same"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Trend:
    """`by` is the difference in the unit of the KPI; None where there is nothing to compare."""

    direction: Direction
    sentence: str
    by: float | None = None


def trend(now: Figure, before: Figure | None) -> Trend:
    """How `now` compares with `before`; of two shares whose intervals overlap nobody can say."""
    if now.value is None:
        return Trend(Direction.UNKNOWN, "There is nothing to compare.")
    if before is None or before.value is None:
        return Trend(Direction.UNKNOWN, "Nothing was measured in the time before, so there is no trend yet.")
    unit, by = now.target.unit, now.value - before.value
    then = f"it was {amount(before.value, unit)} in the time before"
    if by == 0 or (now.interval is None and abs(by) <= SAME * _size(before.value, unit)):
        return Trend(Direction.SAME, f"About the same: {then}.", by)
    if now.interval and before.interval and now.interval.overlaps(before.interval):
        return Trend(Direction.SAME, f"No clear change: {then}, and chance alone can make the difference.", by)
    higher = by > 0
    good = higher is (now.target.better is Better.HIGHER)
    direction = Direction.BETTER if good else Direction.WORSE
    step = amount(abs(by), "points" if unit == "%" else unit)
    return Trend(direction, f"{direction.value.capitalize()}: {step} {'more' if higher else 'less'}; {then}.", by)


def _size(value: float, unit: str) -> float:
    """What a change is measured by: 0.1 points are much of 99.9 %, and little of 50 %."""
    return min(abs(value), abs(100 - value)) if unit == "%" else abs(value)
