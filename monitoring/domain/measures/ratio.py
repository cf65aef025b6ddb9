"""Percent of the counted operations, and how far chance lifts it."""

from __future__ import annotations

import math
from statistics import NormalDist

from monitoring.domain.measures.data import Data, Window, compare, total, undecided
from monitoring.domain.measures.rule import Rule
from monitoring.domain.verdict import Verdict

ALPHA = 0.05  # one-sided: how often a rate at the threshold may look as if it were above it


def ratio(rule: Rule, data: Data, start: int, end: int) -> Window:
    """Nothing was counted but errors: that is no ratio and never a pass."""
    top, below = total(data.numerator, start, end), total(data.denominator, start, end)
    samples = int(below.sum)
    if samples < max(1, rule.min_samples):
        return undecided(start, end, samples, seen=below.n + top.n)
    value = 100 * top.sum / below.sum
    limit = chance(rule.threshold, below.sum, rule.alpha or ALPHA)
    if rule.threshold < value <= limit and end - start < rule.max_window:
        return Window(start, end, Verdict.INSUFFICIENT, value, samples, {"chance": limit})
    return compare(rule, start, end, value, samples).told(chance=limit)


def chance(threshold: float, operations: float, alpha: float = ALPHA) -> float:
    """Up to which percentage a rate that is really at the threshold is lifted by chance, in so many operations."""
    share = min(threshold / 100, 1.0)
    return threshold + 100 * sure(alpha) * math.sqrt(share * (1 - share) / operations)


def sure(alpha: float) -> float:
    """How many standard deviations chance exceeds with this probability: 1.645 for 5 %."""
    return NormalDist().inv_cdf(1 - alpha)
