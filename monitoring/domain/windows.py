"""Which windows are due, and what each of them says.

Time is unix seconds. A window covers `start <= t < end`; both are multiples of ten, so it is made of whole
buckets. What is judged depends on the data and on where judging stopped, never on how often the guard runs
(docs/adr/0006-guard.md).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field

from monitoring.domain.metrics import BUCKET_SECONDS
from monitoring.domain.rule import Rule
from monitoring.domain.verdict import Measure, Verdict

GRACE = 3  # a bucket is judged this long after its end: samples that travelled are in it
HISTORY = 3600  # a drop compares with this long before the window
MIN_HISTORY = 60  # and needs at least this much of it
CATCH_UP = 30  # so many windows are caught up one by one after a pause of the guard
FOLDED = 3600  # at most this much of what is older becomes one window
SILENCE = 60  # what nobody reported for this long was not seen: no count passes, and no other window waits on
SURE = 1.645  # one-sided 95 %: how far above the threshold chance alone may lift a rate


@dataclass(frozen=True, slots=True)
class Tally:
    """`n` samples that add up to `sum`."""

    n: int = 0
    sum: float = 0.0

    def __add__(self, other: Tally) -> Tally:
        return Tally(self.n + other.n, self.sum + other.sum)


Line = Mapping[int, Tally]  # by start of the bucket; a bucket without samples is absent


@dataclass(frozen=True, slots=True)
class Data:
    """What the windows are made of: buckets of both selections, and those in which anything at all was reported.

    A ratio and a mean do not look at `active`.
    """

    numerator: Line
    denominator: Line = field(default_factory=dict)
    active: Set[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Window:
    """A judged window. `value` is None when it could not be computed or means nothing."""

    start: int
    end: int
    verdict: Verdict
    value: float | None
    samples: int


def horizon(now: float) -> int:
    """The end of the last bucket that is complete at `now`."""
    return int(now - GRACE) // BUCKET_SECONDS * BUCKET_SECONDS


def next_bucket(now: float) -> int:
    """The start of the first bucket that lies wholly after `now`: what a trigger judges once it is armed."""
    return -int(-now // BUCKET_SECONDS) * BUCKET_SECONDS


def begin(rule: Rule, judged_until: int, *, until: int) -> int:
    """Where judging goes on; a trigger that was never judged begins with the last window."""
    return judged_until or until - rule.window


def reach(rule: Rule, since: int, *, until: int) -> int:
    """The earliest second whose samples `judge` looks at."""
    exact = _exact_from(rule, since, until)
    if rule.measure is Measure.COUNT:
        return exact + BUCKET_SECONDS - rule.window
    first = max(since, exact - FOLDED)
    return first - HISTORY if rule.measure is Measure.DROP else first


def alive_from(rule: Rule, since: int, *, until: int) -> int | None:
    """The earliest second of `active` that `judge` looks at; None when it does not look."""
    exact = _exact_from(rule, since, until)
    if rule.measure is Measure.COUNT:
        return exact + BUCKET_SECONDS - SILENCE
    return max(since, exact - FOLDED) if rule.measure is Measure.DROP else None


def judge(rule: Rule, data: Data, *, since: int, until: int, armed_from: int = 0) -> list[Window]:
    """Judge everything that is due between `since` and `until`, oldest first.

    Args:
        since: the end of the last judged window; see `begin`.
        until: see `horizon`.
        armed_from: a count counts nothing before it, so that a re-armed trigger does not fire for old news.
    """
    if since >= until:
        return []
    exact = _exact_from(rule, since, until)
    if rule.measure is Measure.COUNT:
        return [_count(rule, data, end, armed_from) for end in range(exact + BUCKET_SECONDS, until + 1, BUCKET_SECONDS)]
    folded = [_look(rule, data, max(since, exact - FOLDED), exact)] if since < exact else []
    return folded + list(_tumbling(rule, data, exact, until))


def _exact_from(rule: Rule, since: int, until: int) -> int:
    if rule.measure is Measure.COUNT:
        return max(since, until - CATCH_UP * BUCKET_SECONDS)
    return max(since, until - max(CATCH_UP * rule.window, 2 * rule.max_window))


def _tumbling(rule: Rule, data: Data, start: int, until: int) -> Iterator[Window]:
    """Windows one after the other; one that cannot be decided grows bucket by bucket up to `max_window`."""
    end = start + rule.window
    while end <= until:
        window = _look(rule, data, start, end)
        if _is_final(rule, data, window):
            yield window
            start, end = end, end + rule.window
        else:
            end += BUCKET_SECONDS


def _is_final(rule: Rule, data: Data, window: Window) -> bool:
    """Decided, or as long as it may get, or silent; a drop without history would not get any by waiting."""
    if window.verdict in (Verdict.PASS, Verdict.BREACH) or window.end - window.start >= rule.max_window:
        return True
    if rule.measure is Measure.DROP and _history(data, window.start) < MIN_HISTORY:
        return True
    last = range(window.end - SILENCE, window.end, BUCKET_SECONDS)
    return window.start <= last[0] and not any(at in data.numerator or at in data.denominator for at in last)


def _look(rule: Rule, data: Data, start: int, end: int) -> Window:
    match rule.measure:
        case Measure.DROP:
            return _drop(rule, data, start, end)
        case Measure.RATIO:
            return _ratio(rule, data, start, end)
        case _:
            return _mean(rule, data, start, end)


def _ratio(rule: Rule, data: Data, start: int, end: int) -> Window:
    """Percent of the counted operations. Nothing was counted but errors: that is no ratio and never a pass."""
    top, below = _total(data.numerator, start, end), _total(data.denominator, start, end)
    samples = int(below.sum)
    if samples < max(1, rule.min_samples):
        return _undecided(start, end, samples, seen=below.n + top.n)
    value = 100 * top.sum / below.sum
    if rule.threshold < value <= chance(rule.threshold, below.sum) and end - start < rule.max_window:
        return Window(start, end, Verdict.INSUFFICIENT, value, samples)
    return _compare(rule, start, end, value, samples)


def chance(threshold: float, operations: float) -> float:
    """Up to which percentage a rate that is really at the threshold is lifted by chance, in so many operations."""
    share = min(threshold / 100, 1.0)
    return threshold + 100 * SURE * math.sqrt(share * (1 - share) / operations)


def _mean(rule: Rule, data: Data, start: int, end: int) -> Window:
    top = _total(data.numerator, start, end)
    if top.n < max(1, rule.min_samples):
        return _undecided(start, end, top.n, seen=top.n)
    return _compare(rule, start, end, top.sum / top.n, top.n)


def _count(rule: Rule, data: Data, end: int, armed_from: int) -> Window:
    """How many in the last `window` seconds. Few are a pass only while something is being reported."""
    start = min(max(end - rule.window, armed_from), end - BUCKET_SECONDS)
    counted = _total(data.numerator, start, end).sum
    if counted > rule.threshold:
        return Window(start, end, Verdict.BREACH, counted, int(counted))
    if not _active(data, end - SILENCE, end):
        return Window(start, end, Verdict.NO_DATA, None, 0)
    return Window(start, end, Verdict.PASS, counted, int(counted))


def _drop(rule: Rule, data: Data, start: int, end: int) -> Window:
    """How many percent less was done than the hour before leads to expect.

    Time in which nobody reported anything is not counted as time without operations: a reporter that is
    down is no drop.
    """
    done = _total(data.numerator, start, end)
    alive = _active(data, start, end)
    if not alive:
        return Window(start, end, Verdict.NO_DATA, None, 0)
    history = _history(data, start)
    if history < MIN_HISTORY:
        return _undecided(start, end, int(done.sum), seen=done.n + history)
    before = _total(data.numerator, start - HISTORY, start).sum
    expected = before / history * alive * BUCKET_SECONDS
    if expected < max(1, rule.min_samples):
        return Window(start, end, Verdict.INSUFFICIENT, None, int(done.sum))
    return _compare(rule, start, end, 100 - 100 * done.sum / expected, int(done.sum))


def _history(data: Data, start: int) -> int:
    """Seconds since the first operation of the hour before `start`."""
    return start - min((at for at in data.numerator if start - HISTORY <= at < start), default=start)


def _undecided(start: int, end: int, samples: int, *, seen: int) -> Window:
    return Window(start, end, Verdict.INSUFFICIENT if seen else Verdict.NO_DATA, None, samples)


def _compare(rule: Rule, start: int, end: int, value: float, samples: int) -> Window:
    verdict = Verdict.BREACH if value > rule.threshold else Verdict.PASS
    return Window(start, end, verdict, value, samples)


def _total(line: Line, start: int, end: int) -> Tally:
    if len(line) < (end - start) // BUCKET_SECONDS:
        return sum((tally for at, tally in line.items() if start <= at < end), Tally())
    return sum((line[at] for at in range(start, end, BUCKET_SECONDS) if at in line), Tally())


def _active(data: Data, start: int, end: int) -> int:
    """In how many buckets anything was reported."""
    return sum(at in data.active for at in range(start, end, BUCKET_SECONDS))
