"""How satisfied users are, from ratings of 1 to 5, and how sure that is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from core.intervals import wilson

LEAST, SPAN = 1, 4  # a rating is 1 + 4 times a share


@dataclass(frozen=True, slots=True)
class Satisfaction:
    """The mean of `n` ratings and its 95 % interval; None without any rating."""

    n: int
    mean: float | None
    low: float | None = None
    high: float | None = None

    @property
    def sentence(self) -> str:
        if self.mean is None:
            return "Nobody has answered: satisfaction is not known."
        answers = "1 answer" if self.n == 1 else f"{self.n} answers"
        return f"{self.mean:.2f} of 5 from {answers} (95 %: {self.low:.2f} to {self.high:.2f})."


def satisfaction(counts: Mapping[int, int]) -> Satisfaction:
    """Of how many gave each rating.

    The interval is Wilson's for the mean as a share of what it can be. No variable between the same ends varies more
    than one that is only at its ends, so it is never too narrow, and it stays one when all say the same.
    """
    n = sum(counts.values())
    if not n:
        return Satisfaction(0, None)
    mean = sum(rating * count for rating, count in counts.items()) / n
    low, high = wilson((mean - LEAST) / SPAN * n, n)
    return Satisfaction(n, mean, LEAST + SPAN * low, LEAST + SPAN * high)
