"""Which windows are due, and what each of them says.

What is judged depends on the data and on where judging stopped, never on how often the guard runs
(docs/adr/0006-guard.md). What each measure makes of a window is in `monitoring.domain.measures`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from monitoring.domain.measures.canary import canary
from monitoring.domain.measures.count import count, distinct
from monitoring.domain.measures.count import start as comes_up
from monitoring.domain.measures.data import SILENCE, Data, Line, Progress, Tally, Window
from monitoring.domain.measures.drop import HISTORY, drop
from monitoring.domain.measures.mean import mean
from monitoring.domain.measures.ratio import chance, ratio
from monitoring.domain.measures.rise import rise
from monitoring.domain.measures.rule import Rule
from monitoring.domain.metrics import BUCKET_SECONDS
from monitoring.domain.verdict import SLIDING, Measure, Verdict

__all__ = ["Data", "Line", "Tally", "Window", "again", "begin", "chance", "horizon", "judge", "next_bucket", "reach"]

CODE_VERSION = "2"  # raised whenever the same data would be judged otherwise
GRACE = 3  # a bucket is judged this long after its end: samples that travelled are in it
CATCH_UP = 30  # so many windows are caught up one by one after a pause of the guard
FOLDED = 3600  # at most this much of what is older becomes one window

_SLIDING: dict[Measure, Callable[[Rule, Data, int, int], Window]] = {
    Measure.COUNT: count,
    Measure.DISTINCT: distinct,
    Measure.START: comes_up,
}
_PLAIN: dict[Measure, Callable[[Rule, Data, int, int], Window]] = {Measure.RATIO: ratio, Measure.MEAN: mean}
_CARRYING: dict[Measure, Callable[[Rule, Data, int, int, Progress], Window]] = {
    Measure.DROP: drop,
    Measure.RISE: rise,
    Measure.CANARY: canary,
}


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
    if rule.measure in SLIDING:
        return exact + BUCKET_SECONDS - rule.window
    first = max(since, exact - FOLDED)
    return first - HISTORY if rule.measure is Measure.DROP else first


def alive_from(rule: Rule, since: int, *, until: int) -> int | None:
    """The earliest second of `active` that `judge` looks at; None when it does not look."""
    exact = _exact_from(rule, since, until)
    if rule.measure in (Measure.COUNT, Measure.DISTINCT):
        return exact + BUCKET_SECONDS - SILENCE
    return max(since, exact - FOLDED) if rule.measure is Measure.DROP else None


def judge(
    rule: Rule, data: Data, *, since: int, until: int, armed_from: int = 0, progress: Progress | None = None
) -> list[Window]:
    """Judge everything that is due between `since` and `until`, oldest first.

    Args:
        since: the end of the last judged window; see `begin`.
        until: see `horizon`.
        armed_from: a count counts nothing before it, so that a re-armed trigger does not fire for old news.
        progress: what the last judged window left (`Window.after`).
    """
    if since >= until:
        return []
    return list(_due(rule, data, since, until, armed_from, dict(progress or {})))


def again(
    rule: Rule, data: Data, start: int, end: int, *, armed_from: int = 0, progress: Progress | None = None
) -> Window:
    """What this very window says, whatever would make windows end elsewhere today."""
    carried = dict(progress or {})
    if rule.measure in SLIDING:
        return _cleared(rule, _SLIDING[rule.measure](rule, data, end, armed_from), carried)
    return _look(rule, data, start, end, carried)


def _due(rule: Rule, data: Data, since: int, until: int, armed_from: int, progress: Progress) -> Iterator[Window]:
    exact = _exact_from(rule, since, until)
    if rule.measure in SLIDING:
        for end in range(exact + BUCKET_SECONDS, until + 1, BUCKET_SECONDS):
            window = _cleared(rule, _SLIDING[rule.measure](rule, data, end, armed_from), progress)
            yield window
            progress = window.after
        return
    if since < exact:
        folded = _look(rule, data, max(since, exact - FOLDED), exact, progress)
        yield folded
        progress = folded.after
    yield from _tumbling(rule, data, exact, until, progress)


def _exact_from(rule: Rule, since: int, until: int) -> int:
    if rule.measure in SLIDING:
        return max(since, until - CATCH_UP * BUCKET_SECONDS)
    return max(since, until - max(CATCH_UP * rule.window, 2 * rule.max_window))


def _tumbling(rule: Rule, data: Data, start: int, until: int, progress: Progress) -> Iterator[Window]:
    """Windows one after the other; one that cannot be decided grows bucket by bucket up to `max_window`."""
    end = start + rule.window
    while end <= until:
        window = _look(rule, data, start, end, progress)
        if _is_final(rule, data, window):
            yield window
            start, end, progress = end, end + rule.window, window.after
        else:
            end += BUCKET_SECONDS


def _is_final(rule: Rule, data: Data, window: Window) -> bool:
    """Decided, or as long as it may get, or silent; a drop without history would not get any by waiting."""
    if window.verdict in (Verdict.PASS, Verdict.BREACH) or window.end - window.start >= rule.max_window:
        return True
    if rule.measure is Measure.CANARY or "not_clear" in window.detail or window.detail.get("baseline") == "none":
        return True
    last = range(window.end - SILENCE, window.end, BUCKET_SECONDS)
    return window.start <= last[0] and not any(at in data.numerator or at in data.denominator for at in last)


def _look(rule: Rule, data: Data, start: int, end: int, progress: Progress) -> Window:
    carrying = _CARRYING.get(rule.measure)
    if carrying is not None:
        return _cleared(rule, carrying(rule, data, start, end, progress), progress)
    return _cleared(rule, _PLAIN[rule.measure](rule, data, start, end), progress)


def _cleared(rule: Rule, window: Window, progress: Progress) -> Window:
    """Hysteresis: what breached passes again only at `clear_threshold` or below; between the two nothing is said."""
    window = replace(window, before=progress, after=window.after or progress)
    if rule.clear_threshold is None:
        return window
    passes = window.verdict is Verdict.PASS
    if passes and progress.get("over") and window.value is not None and window.value > rule.clear_threshold:
        held = replace(window, verdict=Verdict.INSUFFICIENT)
        return held.told(not_clear=rule.clear_threshold)
    over = window.verdict is Verdict.BREACH or (bool(progress.get("over")) and not passes)
    return replace(window, after={**window.after, "over": over})
