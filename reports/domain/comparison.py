"""How sure a difference between two times is.

The unit is the day. A busy service has a million melts a week, and by their number alone every difference would be
"certain"; but melts of one day fail together, and days differ. So the spread is taken between days: a figure is the
ratio of two sums over days, with the variance of a ratio estimator (Cochran, Sampling Techniques, 3rd ed., 6.4), and
two figures are compared as Welch did (Biometrika 34, 1947). Where days happen to be all alike, chance among the counted
things themselves is the least that is assumed (Agresti and Caffo 2000: one more of each kind).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

# 97.5 % of Student's t, by degrees of freedom from 1 (NIST/SEMATECH e-Handbook, 1.3.6.7.2); beyond 30 the last.
T = (
    *(12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228),
    *(2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086),
    *(2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042),
)
FEWEST = 2  # days on each side: of one day nobody knows how far days differ


class Kind(StrEnum):
    """What a figure is: a share in percent, a count of things a day, or a mean: what was added up, by how often."""

    SHARE = "share"
    COUNT = "count"
    MEAN = "mean"


class Day(NamedTuple):
    """What one day adds: `part / of` makes the figure; `n` samples."""

    part: float
    of: float
    n: float


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure over several days. `variance` is None when one day alone was measured."""

    value: float
    variance: float | None
    days: int
    part: float
    of: float
    n: float


@dataclass(frozen=True, slots=True)
class Difference:
    """How much more the first figure is; from `low` to `high` 95 times of 100, None where there are too few days."""

    by: float
    low: float | None
    high: float | None

    @property
    def clear(self) -> bool:
        """Whether it is on one side of zero for sure."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)


def estimate(days: Iterable[Day | None], kind: Kind) -> Estimate | None:
    """The figure over the days that were measured; None where there are none, or nothing to divide by."""
    known = [day for day in days if day is not None and day.of > 0]
    part, of, n = (math.fsum(column) for column in zip(*known, strict=True)) if known else (0.0, 0.0, 0.0)
    if not of or not math.isfinite(part):
        return None
    ratio, factor = part / of, 100.0 if kind is Kind.SHARE else 1.0
    between = _between(known, ratio, of)
    variance = None if between is None else max(between, _within(kind, part, of)) * factor**2
    return Estimate(ratio * factor, variance, len(known), part, of, n)


def difference(now: Estimate, then: Estimate) -> Difference:
    """`now` less `then`, with its interval."""
    by = now.value - then.value
    if now.variance is None or then.variance is None:
        return Difference(by, None, None)
    spread = now.variance + then.variance
    reach = quantile(_freedom(now, then)) * math.sqrt(spread)
    return Difference(by, by - reach, by + reach)


def quantile(freedom: float) -> float:
    """97.5 % of Student's t. Rounded down to whole degrees of freedom, which makes it wider, never narrower."""
    return T[min(max(int(freedom), 1), len(T)) - 1]


def _between(days: Sequence[Day], ratio: float, of: float) -> float | None:
    if len(days) < FEWEST:
        return None
    squares = math.fsum((day.part - ratio * day.of) ** 2 for day in days)
    return len(days) / (len(days) - 1) * squares / of**2


def _within(kind: Kind, part: float, of: float) -> float:
    """The variance that chance alone makes among what was counted; nothing is known of it for a mean."""
    if kind is Kind.SHARE:
        share = min(1.0, max(0.0, (part + 1) / (of + 2)))
        return share * (1 - share) / (of + 2)
    return (max(part, 0.0) + 1) / of**2 if kind is Kind.COUNT else 0.0


def _freedom(now: Estimate, then: Estimate) -> float:
    """Welch and Satterthwaite."""
    one, two = now.variance or 0.0, then.variance or 0.0
    total = one + two
    if not total:
        return now.days + then.days - 2
    one, two = one / total, two / total
    return 1 / (one**2 / (now.days - 1) + two**2 / (then.days - 1))
