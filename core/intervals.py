"""How sure a share is, from how many cases it was computed."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import NamedTuple

SURE = NormalDist().inv_cdf(0.975)  # standard deviations of a normal distribution: 95 %, both sides


class Interval(NamedTuple):
    """Where the true value lies, as often as one wants to be sure: 95 times of 100 where nothing else is said."""

    low: float
    high: float

    def overlaps(self, other: Interval) -> bool:
        return self.low <= other.high and other.low <= self.high


def wilson(part: float, of: float, *, sure: float = SURE) -> Interval:
    """The interval of a share, 0 to 1 (Wilson 1927: unlike the simple one it holds for few cases and near 0 and 1).

    Args:
        part, of: cases, independent of each other; 0 ≤ part ≤ of, of > 0.
        sure: standard deviations that each end is away, as SURE.
    """
    share, fade = part / of, sure**2 / of
    middle = (share + fade / 2) / (1 + fade)
    reach = sure / (1 + fade) * math.sqrt(share * (1 - share) / of + fade / (4 * of))
    low = 0.0 if part == 0 else max(0.0, min(share, middle - reach))
    high = 1.0 if part == of else min(1.0, max(share, middle + reach))
    return Interval(low, high)
