"""Is it worse than before, or is that noise? Two one-sided tests, in plain Python.

Each answers with a p-value: how likely a difference this large would be if nothing had become worse.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist, fmean, variance

ALPHA = 0.01  # of one test: with three of them a day, a false alarm in a month
_NORMAL = NormalDist()
_STEPS = 200  # of the continued fraction; it needs about twenty


def share_is_higher(events: float, trials: float, before_events: float, before_trials: float) -> float:
    """Two-proportion z-test with pooled variance: is a share of events higher than it was before?

    All are counts of 0 and more; trials of 0 say nothing, and neither do two shares of 0.
    """
    if trials <= 0 or before_trials <= 0:
        return 1.0
    pooled = (events + before_events) / (trials + before_trials)
    deviation = math.sqrt(pooled * (1 - pooled) * (1 / trials + 1 / before_trials)) if 0 < pooled < 1 else 0.0
    if deviation == 0:
        return 1.0
    return _upper((events / trials - before_events / before_trials) / deviation)


def mean_is_higher(values: Sequence[float], before: Sequence[float], factor: float = 1.0) -> float:
    """Welch's t-test, one-sided: is the mean of `values` above `factor` times the mean of `before`?

    The values are means, or percentiles, of steps of time: their mean is nearly normal, and how much they differ from
    step to step is the noise, whatever makes it. Fewer than two on either side say nothing.
    """
    if len(values) < 2 or len(before) < 2:
        return 1.0
    scaled = [factor * value for value in before]
    difference = fmean(values) - fmean(scaled)
    here, there = variance(values) / len(values), variance(scaled) / len(scaled)
    if here + there == 0:
        return 0.0 if difference > 0 else 1.0
    freedom = (here + there) ** 2 / (here**2 / (len(values) - 1) + there**2 / (len(scaled) - 1))
    return _student_upper(difference / math.sqrt(here + there), freedom)


def _upper(z: float) -> float:
    return _NORMAL.cdf(-z)


def _student_upper(t: float, freedom: float) -> float:
    """The chance of more than `t` in Student's distribution."""
    tail = 0.5 * _beta(freedom / 2, 0.5, freedom / (freedom + t * t))
    return tail if t > 0 else 1 - tail


def _beta(a: float, b: float, x: float) -> float:
    """The regularised incomplete beta function (Numerical Recipes, 6.4)."""
    if x <= 0 or x >= 1:
        return 0.0 if x <= 0 else 1.0
    logarithm = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    front = math.exp(logarithm)
    if x < (a + 1) / (a + b + 2):
        return front * _fraction(a, b, x) / a
    return 1 - front * _fraction(b, a, 1 - x) / b


def _fraction(a: float, b: float, x: float) -> float:
    """Its continued fraction, by Lentz's method."""
    c, d = 1.0, 1 / _apart(1 - (a + b) * x / (a + 1))
    value = d
    for m in range(1, _STEPS):
        for numerator in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 / _apart(1 + numerator * d)
            c = _apart(1 + numerator / c)
            value *= c * d
        if abs(c * d - 1) < 1e-12:
            break
    return value


def _apart(value: float) -> float:
    """Not zero: it is divided by."""
    return value if abs(value) > 1e-300 else 1e-300
