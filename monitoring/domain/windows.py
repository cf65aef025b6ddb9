"""Which windows are due, and what each of them says.

Time is unix seconds. A window covers `start <= t < end`; both are multiples of ten, so it is made of whole
buckets. What is judged depends on the data and on where judging stopped, never on how often the guard runs
(docs/adr/0006-guard.md).
"""

from __future__ import annotations

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
    """What the windows are made of: buckets of both selections, and when anything at all was reported."""

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
    """The earliest second that `judge` looks at."""
    exact = _exact_from(rule, since, until)
    if rule.measure is Measure.COUNT:
        return exact + BUCKET_SECONDS - rule.window
    first = max(since, exact - FOLDED) if since < exact else since
    return first - HISTORY if rule.measure is Measure.DROP else first


def judge(rule: Rule, data: Data, *, since: int, until: int, armed_from: int = 0) -> list[Window]:
    """Judge everything that is due between `since` and `until`, oldest first.

    Args:
        since: the end of the last judged window; see `begin`.
        until: see `horizon`.
        armed_from: a count counts nothing before it, so that a re-armed trigger does not fire for old news.
    """
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
    """Windows one after the other; one with too few samples grows bucket by bucket up to `max_window`."""
    end = start + rule.window
    while end <= until:
        window = _look(rule, data, start, end)
        enough = window.verdict in (Verdict.PASS, Verdict.BREACH)
        if enough or rule.measure is Measure.DROP or end - start >= rule.max_window:
            yield window
            start, end = end, end + rule.window
        else:
            end += BUCKET_SECONDS


def _look(rule: Rule, data: Data, start: int, end: int) -> Window:
    return _drop(rule, data, start, end) if rule.measure is Measure.DROP else _average(rule, data, start, end)


def _average(rule: Rule, data: Data, start: int, end: int) -> Window:
    """A ratio in percent of the counted operations, or a mean of the timings."""
    top = _total(data.numerator, start, end)
    if rule.measure is Measure.RATIO:
        below = _total(data.denominator, start, end)
        samples, weight, scaled = int(below.sum), below.sum, 100 * top.sum
        seen = below.n + top.n
    else:
        samples, weight, scaled = top.n, float(top.n), top.sum
        seen = top.n
    if samples < max(1, rule.min_samples):
        return Window(start, end, Verdict.INSUFFICIENT if seen else Verdict.NO_DATA, None, samples)
    return _compare(rule, start, end, scaled / weight, samples)


def _count(rule: Rule, data: Data, end: int, armed_from: int) -> Window:
    """How many in the last `window` seconds. None counted is a pass only when something else was reported."""
    start = min(max(end - rule.window, armed_from), end - BUCKET_SECONDS)
    counted = _total(data.numerator, start, end).sum
    if counted > rule.threshold:
        return Window(start, end, Verdict.BREACH, counted, int(counted))
    if not _any_active(data, start, end):
        return Window(start, end, Verdict.NO_DATA, None, 0)
    return Window(start, end, Verdict.PASS, counted, int(counted))


def _drop(rule: Rule, data: Data, start: int, end: int) -> Window:
    """How many percent less was done than the hour before leads to expect."""
    done = _total(data.numerator, start, end)
    before = [at for at in data.numerator if start - HISTORY <= at < start]
    silent = not done.n and not _any_active(data, start, end)
    if silent or (not before and not done.n):
        return Window(start, end, Verdict.NO_DATA, None, 0)
    history = start - min(before, default=start)
    if history < MIN_HISTORY:
        return Window(start, end, Verdict.INSUFFICIENT, None, int(done.sum))
    expected = sum(data.numerator[at].sum for at in before) / history * (end - start)
    if expected < max(1, rule.min_samples):
        return Window(start, end, Verdict.INSUFFICIENT, None, int(done.sum))
    return _compare(rule, start, end, 100 - 100 * done.sum / expected, int(done.sum))


def _compare(rule: Rule, start: int, end: int, value: float, samples: int) -> Window:
    verdict = Verdict.BREACH if value > rule.threshold else Verdict.PASS
    return Window(start, end, verdict, value, samples)


def _total(line: Line, start: int, end: int) -> Tally:
    if len(line) < (end - start) // BUCKET_SECONDS:
        return sum((tally for at, tally in line.items() if start <= at < end), Tally())
    return sum((line[at] for at in range(start, end, BUCKET_SECONDS) if at in line), Tally())


def _any_active(data: Data, start: int, end: int) -> bool:
    return any(at in data.active for at in range(start, end, BUCKET_SECONDS))
