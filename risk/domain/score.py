"""The risk score: 0 to 100, what the missing factors could make of it, and its level (seed: Risk Monitoring)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from risk.domain.curves import UNITS, WEIGHTS, Factor, normalised
from risk.domain.levels import Level

BOUNDS = {Level.MEDIUM: 25.0, Level.HIGH: 50.0, Level.CRITICAL: 75.0}
HYSTERESIS = 5.0  # a level is left only this far below its bound, so that noise at a bound alerts nobody twice
ORDER = list(Level)


@dataclass(frozen=True, slots=True)
class Assessed:
    """One assessment.

    `score` is made of the known factors alone, their weights stretched to a whole; None when none is known. `low` and
    `high` are what it would be with every missing factor at 0 and at 100. `factors` holds the parts.
    """

    score: float | None
    low: float
    high: float
    level: Level | None
    factors: Mapping[str, Mapping[str, Any]]

    @property
    def missing(self) -> list[str]:
        return [name for name, part in self.factors.items() if part["value"] is None]


def assess(values: Mapping[Factor, float | None], *, before: Level | None) -> Assessed:
    """The risk from the value of each factor; None: nobody knows. `before` is the level of the last assessment."""
    known = {factor: value for factor in Factor if (value := values.get(factor)) is not None}
    weight = sum(WEIGHTS[factor] for factor in known)
    points = {factor: normalised(factor, value) for factor, value in known.items()}
    sum_known = sum(points[factor] * WEIGHTS[factor] for factor in known)
    score = min(100.0, sum_known / weight) if known else None
    factors = {
        factor.value: {
            "value": known.get(factor),
            "unit": UNITS[factor],
            "normalised": points.get(factor),
            "weight": WEIGHTS[factor],
            "part": points[factor] * WEIGHTS[factor] / weight if factor in known else None,
        }
        for factor in Factor
    }
    missing = math.fsum(WEIGHTS[factor] for factor in Factor if factor not in known)
    return Assessed(score, sum_known, min(100.0, sum_known + 100 * missing), _level(score, before), factors)


def level_of(score: float) -> Level:
    """The level of a score by itself."""
    return max((level for level, bound in BOUNDS.items() if score >= bound), key=ORDER.index, default=Level.LOW)


def _level(score: float | None, before: Level | None) -> Level | None:
    """Up at once, down only once the score is clearly below. Nothing known: the level stays."""
    if score is None:
        return before
    now = level_of(score)
    if before is None or ORDER.index(now) >= ORDER.index(before):
        return now
    kept = max(now, level_of(min(100.0, score + HYSTERESIS)), key=ORDER.index)
    return min(before, kept, key=ORDER.index)
