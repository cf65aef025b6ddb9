"""What the figures of a report say, in plain sentences. They tell what is and what came after what, never why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from reports.domain.comparison import Difference, Estimate, difference
from reports.domain.measures import Better, Measure, Measured


class Direction(StrEnum):
    BETTER = "better"
    WORSE = "worse"
    HIGHER = "higher"
    LOWER = "lower"
    SAME = "same"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Trend:
    """How a figure compares with an earlier time. `then` is what it was, None where nothing was measured."""

    direction: Direction
    sentence: str
    then: float | None = None
    difference: Difference | None = None

    def as_dict(self) -> dict[str, Any]:
        found: dict[str, Any] = {"direction": self.direction.value, "sentence": self.sentence, "then": short(self.then)}
        if self.difference is not None:
            found |= {name: short(getattr(self.difference, name)) for name in ("by", "low", "high")}
        return found


def trend(measured: Measured, then: Sequence[Any], time: str) -> Trend:
    """This time against an earlier one.

    Args:
        then: the days of the earlier time.
        time: what it is called, for example `the week before`.
    """
    measure, now, earlier = measured.measure, measured.over(measured.now), measured.over(then)
    if now is None:
        return Trend(Direction.UNKNOWN, f"Not measured{f': {measured.why}' if measured.why else ''}.")
    if earlier is None:
        return Trend(Direction.UNKNOWN, f"Nothing was measured in {time}, so there is nothing to compare with.")
    found = difference(now, earlier)
    was = f"{amount(earlier.value, measure.suffix)} in {time}"
    if not found.by:
        return Trend(Direction.SAME, f"The same as in {time}.", earlier.value, found)
    if found.low is None or found.high is None:
        return Trend(Direction.UNKNOWN, f"It was {was}. {_too_few(now, earlier)}", earlier.value, found)
    if not found.clear:
        same = f"No clear change: it was {was}, and days differ by more than that."
        return Trend(Direction.SAME, same, earlier.value, found)
    direction = _direction(measure, found)
    sentence = f"{direction.capitalize()}: {_by(found, measure)}. It was {was}."
    return Trend(direction, sentence, earlier.value, found)


def _direction(measure: Measure, found: Difference) -> Direction:
    higher = found.by > 0
    if measure.better is Better.NEITHER:
        return Direction.HIGHER if higher else Direction.LOWER
    return Direction.BETTER if higher is (measure.better is Better.HIGHER) else Direction.WORSE


def _by(found: Difference, measure: Measure) -> str:
    """`0.35 points less, surely 0.2 to 0.5`: always from the smaller to the larger."""
    unit = {"%": "points", "of 5": ""}.get(measure.unit, measure.suffix)
    least, most = sorted((abs(found.low or 0.0), abs(found.high or 0.0)))
    way = "more" if found.by > 0 else "less"
    by = "1 point" if unit == "points" and figure(abs(found.by)) == "1" else amount(abs(found.by), unit)
    return f"{by} {way}, surely {figure(least)} to {figure(most)}"


def _too_few(now: Estimate, earlier: Estimate) -> str:
    days = "day" if min(now.days, earlier.days) == 1 else "days"
    return f"Of {min(now.days, earlier.days)} {days} nobody can say whether that is a change."


def amount(value: float | None, unit: str) -> str:
    """A figure with its unit; `–` where there is none."""
    return "–" if value is None else f"{figure(value)} {unit}".strip()


def figure(value: float) -> str:
    """Three digits that count below a thousand, whole numbers above: `0.0421`, `12.3`, `1,250`; `100` only for all."""
    size = abs(value)
    if size >= 1000 or value == int(value):
        return f"{value:,.0f}"
    if 99 < value < 100:
        near = next((text for digits in (2, 3, 4, 6) if float(text := f"{value:.{digits}f}") < 100), "99.999999")
        return near.rstrip("0")
    return f"{float(f'{value:.3g}'):,.10f}".rstrip("0").rstrip(".")


def short(value: float | None) -> float | None:
    """As a report stores it: six digits that count."""
    return None if value is None else float(f"{value:.6g}")


def listed(words: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))
