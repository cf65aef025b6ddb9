"""Figures that come from outside: for a period, one value and, where a reduction is computed, what it was before."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, timedelta

from core.errors import Invalid
from kpis.domain.definition import Definition, Measure
from kpis.domain.figure import Parts

LONGEST = timedelta(days=366)
MOST = 1e15  # more than any count of tickets or amount of money is


@dataclass(frozen=True, slots=True)
class Reported:
    """What somebody says of the days from `start` to `end`, both included.

    `baseline` is the same figure of a period of the same length before the rollout; None for a plain value.
    """

    start: date
    end: date
    current: float
    baseline: float | None = None
    note: str = ""

    @classmethod
    def read(
        cls,
        definition: Definition,
        *,
        start: date,
        end: date,
        current: float,
        baseline: float | None,
        note: str = "",
        today: date,
    ) -> Reported:
        """Check what was given. Raises Invalid with the field; a reduction needs a baseline above 0."""
        if not definition.measure.from_outside:
            raise Invalid(f"{definition.name} is measured here, and nobody reports it.", field="kpi")
        _check_period(start, end, today)
        _check(current, "current")
        _check_baseline(definition, baseline)
        return cls(start, end, current, baseline, note)

    def parts(self) -> Parts:
        """As every figure is computed: what was saved of what it was, or the value itself."""
        if self.baseline is None:
            return Parts(self.current, 1.0, 1)
        return Parts(self.baseline - self.current, self.baseline, 1)


def _check_period(start: date, end: date, today: date) -> None:
    if end < start:
        raise Invalid("The period ends before it begins.", field="end")
    if end - start >= LONGEST:
        raise Invalid("A period is at most a year long.", field="end")
    if end > today:
        raise Invalid(f"The period is not over: report figures up to {today}.", field="end")


def _check_baseline(definition: Definition, baseline: float | None) -> None:
    if definition.measure is not Measure.REDUCTION:
        if baseline is not None:
            raise Invalid(f"{definition.name} has no baseline: leave it out.", field="baseline")
        return
    if baseline is None:
        raise Invalid("Give the baseline: what it was in a period as long before the rollout.", field="baseline")
    _check(baseline, "baseline")
    if baseline == 0:
        raise Invalid("Of a baseline of 0 nothing can be reduced: report this when there is one.", field="baseline")


def _check(value: float, field: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise Invalid("A number, written like 1234.5.", field=field)
    if not 0 <= value <= MOST:
        raise Invalid("A number from 0 up: a count, or an amount.", field=field)
