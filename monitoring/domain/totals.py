"""Running totals become increments, as Prometheus' `increase` reads them, but once and for all, when they come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

FIRST = 300  # seconds: the first total of a counter that began earlier is where counting starts, not an increment


@dataclass(frozen=True, slots=True)
class Standing:
    """What a total was at unix second `at`; `origin` is when it began to count, where its sender tells."""

    value: float
    at: float
    origin: float | None = None


def start(first: Standing) -> Standing:
    """What the first total of a series is compared with: nothing, when it has only just begun, else itself.

    A total that began at its own time is OTLP's sign for one that began nobody knows when.
    """
    if first.origin is not None and 0 < first.at - first.origin < FIRST:
        return Standing(0.0, first.origin, first.origin)
    return first


def increment(before: Standing, now: Standing) -> float | None:
    """How much was added; None when the total came late or twice, and says nothing new.

    A total that fell, or that began later, was reset: all of it is new.
    """
    if now.at <= before.at:
        return None
    later = now.origin is not None and before.origin is not None and now.origin > before.origin
    return now.value if later or now.value < before.value else now.value - before.value


@dataclass(frozen=True, slots=True)
class Spread:
    """A running histogram: what all its values add up to, and how many lie around each value."""

    total: float
    counts: Mapping[float, int]
    at: float
    origin: float | None = None

    @property
    def count(self) -> int:
        return sum(self.counts.values())


def spread_increment(before: Spread, now: Spread) -> Spread | None:
    """What was added; None when the report came late or twice. One that fell anywhere was reset: all of it is new."""
    if now.at <= before.at:
        return None
    later = now.origin is not None and before.origin is not None and now.origin > before.origin
    fell = any(now.counts.get(value, 0) < count for value, count in before.counts.items())
    if later or fell or now.total < before.total:
        return now
    counts = {value: count - before.counts.get(value, 0) for value, count in now.counts.items()}
    return Spread(now.total - before.total, {v: n for v, n in counts.items() if n}, now.at, now.origin)
