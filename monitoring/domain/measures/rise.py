"""How many percent above what it was before the change: of a mean, or of a ratio.

Two samples of the same thing differ by chance. So a window above the threshold breaches only when it is above by more
than chance explains, at `alpha` (one-sided, both samples counted); until then it grows, and one that has reached
`max_window` passes, with `within_chance` in its detail.
"""

from __future__ import annotations

import math
from dataclasses import replace

from monitoring.domain.measures.data import Baseline, Data, Line, Progress, Tally, Window, compare, total, undecided
from monitoring.domain.measures.ratio import sure
from monitoring.domain.measures.rule import Rule
from monitoring.domain.verdict import Verdict

ALPHA = 0.01
BEFORE = 3600  # seconds before the change that the baseline is taken from


def rise(rule: Rule, data: Data, start: int, end: int, progress: Progress) -> Window:
    """Compare from `start` to `end` with the baseline; without one nothing can be said."""
    kept = progress.get("baseline")
    baseline = Baseline(**kept) if kept else data.baseline
    now = measured(data.numerator, data.denominator, start, end, shares=rule.shares)
    n = now.n if now else 0
    if baseline is None or baseline.n < max(1, rule.min_samples) or baseline.value <= 0:
        return undecided(start, end, n, seen=n).told(baseline=None)
    after = {**progress, "baseline": baseline.as_dict()}
    told = {"baseline": baseline.value, "baseline_samples": baseline.n, "baseline_until": baseline.end}
    if now is None or n < max(1, rule.min_samples):
        few = undecided(start, end, n, seen=n)
        return replace(few, detail=told, before=progress, after=after)
    window = compare(rule, start, end, 100 * now.value / baseline.value - 100, n)
    return replace(_sure(rule, window, now, baseline), before=progress, after=after).told(**told, measured=now.value)


def _sure(rule: Rule, window: Window, now: Baseline, baseline: Baseline) -> Window:
    """A breach only when chance does not explain it."""
    if window.verdict is not Verdict.BREACH:
        return window
    factor = 1 + rule.threshold / 100
    deviation = max(now.deviation, factor * baseline.deviation)  # that of few buckets is no good estimate
    error = math.sqrt(deviation**2 / now.n + (factor * baseline.deviation) ** 2 / baseline.n)
    limit = factor * baseline.value + sure(rule.alpha or ALPHA) * error
    if now.value > limit:
        return window.told(chance=100 * limit / baseline.value - 100)
    waits = window.end - window.start < rule.max_window
    verdict = Verdict.INSUFFICIENT if waits else Verdict.PASS
    return replace(window, verdict=verdict).told(chance=100 * limit / baseline.value - 100, within_chance=True)


def measured(numerator: Line, denominator: Line, start: int, end: int, *, shares: bool) -> Baseline | None:
    """The mean of a timing, or with `shares` the ratio in percent, with the deviation of a single sample.

    The deviation of a timing is told by how the means of its buckets differ. None when there is nothing.
    """
    if shares:
        top, below = total(numerator, start, end), total(denominator, start, end)
        if below.sum < 1:
            return None
        share = min(top.sum / below.sum, 1.0)
        return Baseline(100 * share, int(below.sum), 100 * math.sqrt(share * (1 - share)), start, end)
    buckets = [tally for at, tally in sorted(numerator.items()) if start <= at < end and tally.n]
    whole = sum(buckets, Tally())
    if not whole.n:
        return None
    mean = whole.sum / whole.n
    spread = sum(each.n * (each.sum / each.n - mean) ** 2 for each in buckets)
    deviation = math.sqrt(spread / (len(buckets) - 1)) if len(buckets) > 1 else mean
    return Baseline(mean, whole.n, deviation, start, end)
