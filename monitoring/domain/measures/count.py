"""How many in the last seconds: things that are counted, users who complain, starts that fail.

These act at once: ten critical errors are ten, however much traffic there was.
"""

from __future__ import annotations

from monitoring.domain.measures.data import SILENCE, Data, Window, active, compare, total
from monitoring.domain.measures.rule import Rule
from monitoring.domain.metrics import BUCKET_SECONDS
from monitoring.domain.verdict import Verdict


def count(rule: Rule, data: Data, end: int, armed_from: int) -> Window:
    """How many in the last `window` seconds."""
    start = _start(rule, end, armed_from)
    return _judged(rule, data, start, end, total(data.numerator, start, end).sum)


def distinct(rule: Rule, data: Data, end: int, armed_from: int) -> Window:
    """How many different users complained in the last `window` seconds."""
    start = _start(rule, end, armed_from)
    return _judged(rule, data, start, end, float(len({said.npub for said in data.said if start <= said.at < end})))


def start(rule: Rule, data: Data, end: int, armed_from: int) -> Window:
    """Does it come up? The share of tries that failed, in percent; BREACH only when all of a whole window did.

    Not tried at all is NO_DATA: a probe that does not run says nothing about what it would find.
    """
    begin = _start(rule, end, armed_from)
    tries = total(data.numerator, begin, end)
    if not tries.n:
        return Window(begin, end, Verdict.NO_DATA, None, 0)
    value = 100 * (1 - min(tries.sum / tries.n, 1.0))
    if tries.sum > 0:
        return Window(begin, end, Verdict.PASS, value, tries.n)
    if tries.n < max(1, rule.min_samples) or end - begin < rule.window:
        return Window(begin, end, Verdict.INSUFFICIENT, value, tries.n)
    return compare(rule, begin, end, value, tries.n)


def _start(rule: Rule, end: int, armed_from: int) -> int:
    return min(max(end - rule.window, armed_from), end - BUCKET_SECONDS)


def _judged(rule: Rule, data: Data, start: int, end: int, counted: float) -> Window:
    """Too many are a breach, whatever else is reported; few are a pass only while something is being reported."""
    if counted > rule.threshold:
        return Window(start, end, Verdict.BREACH, counted, int(counted))
    if not active(data, end - SILENCE, end):
        return Window(start, end, Verdict.NO_DATA, None, 0)
    return Window(start, end, Verdict.PASS, counted, int(counted))
