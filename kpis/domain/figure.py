"""The figure of a KPI: a value, or why there is none; how sure it is; and whether it is as it should be.

Nothing here ever makes a figure of a division by zero, of NaN, of an infinite or of a negative amount.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from kpis.domain.definition import Definition, Measure
from kpis.domain.intervals import Interval, wilson
from kpis.domain.target import Target

NEVER = "nothing was measured in this time"


class Status(StrEnum):
    """`no_data` and `too_few` are never taken for met."""

    MET = "met"
    MISSED = "missed"
    TOO_FEW = "too_few"
    NO_DATA = "no_data"

    @property
    def judged(self) -> bool:
        return self in (Status.MET, Status.MISSED)


@dataclass(frozen=True, slots=True)
class Parts:
    """What one day, or any other time, adds to a KPI: `part / of`, computed from `n` samples.

    `why` says why there is nothing; then the numbers are 0.
    """

    part: float = 0.0
    of: float = 0.0
    n: int = 0
    why: str = ""
    measured_at: datetime | None = None

    @classmethod
    def none(cls, why: str, *, measured_at: datetime | None = None) -> Parts:
        return cls(why=why, measured_at=measured_at)


@dataclass(frozen=True, slots=True)
class Period:
    """From `start` to just before `end`."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Figure:
    """A KPI over a time. `value` is in the target's unit; `low` to `high` is where it lies, 95 times of 100.

    `n` is how many samples it was computed from; `measured_at` when the newest of them was read.
    `sure` tells that the whole interval is on the same side of the target (without an interval, or where
    the target is all of them: that there is a value).
    `before` is the same over the time before, of the same length, where that was asked for.
    """

    definition: Definition
    period: Period
    status: Status
    n: int
    value: float | None = None
    low: float | None = None
    high: float | None = None
    why: str = ""
    measured_at: datetime | None = None
    sure: bool = False
    before: Figure | None = None

    @property
    def key(self) -> str:
        return self.definition.key

    @property
    def target(self) -> Target:
        return self.definition.target

    @property
    def interval(self) -> Interval | None:
        return None if self.low is None or self.high is None else Interval(self.low, self.high)

    def after(self, before: Figure) -> Figure:
        """The same, with what it was before."""
        return replace(self, before=before)


def added(parts: Iterable[Parts]) -> Parts:
    """Several times as one. A time with nothing adds nothing; when all are such, the newest reason stays."""
    whole, why = Parts(), NEVER
    for one in parts:
        latest = max(filter(None, (whole.measured_at, one.measured_at)), default=None)
        why = one.why or why
        whole = Parts(whole.part + one.part, whole.of + one.of, whole.n + one.n, measured_at=latest)
    return whole if whole.of else replace(whole, why=why)


def figure(definition: Definition, parts: Parts, period: Period) -> Figure:
    """What these parts make of the KPI."""
    flaw = unusable(definition, parts)
    empty = Figure(definition, period, Status.NO_DATA, 0, why=flaw, measured_at=parts.measured_at)
    if flaw:
        return empty
    value = definition.factor * (parts.part / parts.of)
    if not math.isfinite(value):
        return replace(empty, why="what was measured is too large to be true")
    limits = _interval(definition, parts)
    low, high = limits if limits else (None, None)
    found = replace(empty, value=value, low=low, high=high, n=parts.n)
    if parts.n < definition.min_samples:
        return replace(found, status=Status.TOO_FEW, why=f"{_count(parts.n)} of at least {definition.min_samples:,}")
    met = definition.target.met(value)
    every = definition.target.number in (0, 100)  # where every single case counts, the count itself is the answer
    sure = limits is None or every or all(definition.target.met(limit) is met for limit in limits)
    return replace(found, status=Status.MET if met else Status.MISSED, sure=sure)


def unusable(definition: Definition, parts: Parts) -> str:
    """Why no figure can be made of them; empty when one can."""
    if parts.why:
        return parts.why
    if not (math.isfinite(parts.part) and math.isfinite(parts.of)):
        return "what was measured is not a number"
    if parts.of == 0:
        return NEVER
    if parts.of < 0 or (parts.part < 0 and definition.measure is not Measure.REDUCTION):
        return "what was measured is negative, which cannot be"
    if definition.measure.is_share and parts.part > parts.of:
        return f"more {definition.counted} were counted than there were, so it is no share"
    return ""


def _interval(definition: Definition, parts: Parts) -> Interval | None:
    if not definition.measure.is_share:
        return None
    found = wilson(parts.part, parts.of)
    return Interval(100 * found.low, 100 * found.high)


def _count(n: int) -> str:
    return f"only {n:,}" if n else "none"
