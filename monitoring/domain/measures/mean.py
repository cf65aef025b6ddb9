"""The mean of a timing, and beside it a percentile: one answer that takes a minute lifts the mean of a few."""

from __future__ import annotations

from monitoring.domain.measures.data import Data, Window, compare, total, undecided
from monitoring.domain.measures.rule import Rule
from monitoring.domain.metrics import BUCKET_SECONDS
from monitoring.domain.sketch import LogSketch
from monitoring.domain.verdict import Verdict

KNOWN = 0.5  # a percentile counts when sketches hold at least this share of the timings


def mean(rule: Rule, data: Data, start: int, end: int) -> Window:
    """A mean above the threshold breaches unless the percentile is known and is not above it.

    Without sketches (a source that tells sums alone) the mean decides, and the detail says so.
    """
    top = total(data.numerator, start, end)
    if top.n < max(1, rule.min_samples):
        return undecided(start, end, top.n, seen=top.n)
    window = compare(rule, start, end, top.sum / top.n, top.n)
    if not rule.percentile:
        return window
    name, measured = f"p{rule.percentile}", _percentile(rule, data, start, end, top.n)
    if measured is None:
        return window.told(**{name: None}, judged_by="mean")
    told = window.told(**{name: measured}, judged_by=f"mean and {name}")
    if told.verdict is Verdict.BREACH and measured <= rule.threshold:
        return Window(start, end, Verdict.PASS, told.value, told.samples, told.detail)
    return told


def _percentile(rule: Rule, data: Data, start: int, end: int, timings: int) -> float | None:
    merged = LogSketch()
    for at in range(start, end, BUCKET_SECONDS):
        if at in data.spread:
            merged.merge(data.spread[at])
    return merged.quantile(rule.percentile / 100) if merged.count >= KNOWN * timings else None
