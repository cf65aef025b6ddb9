"""What a figure did since the time before, in a plain sentence. It tells what changed, never why."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from kpis.domain.figure import Figure
from kpis.domain.target import Better
from kpis.domain.words import amount

SAME = 0.01  # of the value before: what changed less is called the same


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
    if abs(by) <= SAME * abs(before.value) or by == 0:
        return Trend(Direction.SAME, f"About the same: {then}.", by)
    if now.interval and before.interval and now.interval.overlaps(before.interval):
        return Trend(Direction.SAME, f"No clear change: {then}, and chance alone can make the difference.", by)
    higher = by > 0
    good = higher is (now.target.better is Better.HIGHER)
    direction = Direction.BETTER if good else Direction.WORSE
    word = f"{direction.value.capitalize()}: {amount(abs(by), unit)} {'more' if higher else 'less'}"
    return Trend(direction, f"{word}; {then}.", by)
