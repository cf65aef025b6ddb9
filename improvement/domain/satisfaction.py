"""How satisfied users are, from ratings of 1 to 5, and how sure that is."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

ENOUGH = 30  # ratings; below it an interval is too wide to say anything, and none is told
Z = 1.959964  # 95 %
WORST, BEST = 1, 5


@dataclass(frozen=True, slots=True)
class Satisfaction:
    """The mean of `n` ratings, None without any. `low` and `high`: its 95 % interval, None with fewer than 30."""

    n: int
    mean: float | None
    low: float | None = None
    high: float | None = None

    @property
    def sentence(self) -> str:
        if self.mean is None:
            return "Nobody has answered: satisfaction is not known."
        if self.low is None or self.high is None:
            return f"{self.mean:.2f} of 5 from {self.n} answers, too few to say how far off that may be."
        return f"{self.mean:.2f} of 5 from {self.n} answers (95 %: {self.low:.2f} to {self.high:.2f})."


def satisfaction(counts: Mapping[int, int]) -> Satisfaction:
    """Of how many gave each rating.

    The interval is Wilson's (1927), of the mean brought to 0 … 1. It takes the largest variance that ratings of this
    mean can have (Bhatia and Davis, 2000), so it is rather too wide than too narrow; the normal interval would call
    thirty answers of 5 certain.
    """
    n = sum(counts.values())
    if not n:
        return Satisfaction(0, None)
    mean = sum(rating * count for rating, count in counts.items()) / n
    if n < ENOUGH:
        return Satisfaction(n, mean)
    share = (mean - WORST) / (BEST - WORST)
    centre = (share + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z / (1 + Z**2 / n) * math.sqrt(share * (1 - share) / n + Z**2 / (4 * n**2))
    low, high = (WORST + (BEST - WORST) * edge for edge in (centre - half, centre + half))
    return Satisfaction(n, mean, min(low, mean), max(high, mean))  # rounded, an edge may miss it by a hair
