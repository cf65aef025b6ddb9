"""How satisfied users are, from ratings of 1 to 5, and how sure that is."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

ENOUGH = 30  # ratings; below it the normal interval of a mean means little, and none is told
Z = 1.959964  # 95 %


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
    """Of how many gave each rating. The interval is the normal one of a mean, cut to what a rating can be."""
    n = sum(counts.values())
    if not n:
        return Satisfaction(0, None)
    mean = sum(rating * count for rating, count in counts.items()) / n
    if n < ENOUGH:
        return Satisfaction(n, mean)
    variance = sum(count * (rating - mean) ** 2 for rating, count in counts.items()) / (n - 1)
    half = Z * math.sqrt(variance / n)
    return Satisfaction(n, mean, max(1.0, mean - half), min(5.0, mean + half))
