"""How many percent less was done than was to be expected.

Expected is what the same time of the past four weeks had (their median, when two or more are known), else what the
last healthy hour had: the hour before the present run of breaches began, without windows that breached. Time in which
nobody reported anything is not counted as time without operations: a reporter that is down is no drop.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

from monitoring.domain.measures.data import Data, Line, Progress, Tally, Window, active, compare, total, undecided
from monitoring.domain.measures.rule import Rule
from monitoring.domain.metrics import BUCKET_SECONDS
from monitoring.domain.verdict import Verdict

HISTORY = 3600  # the last hour, in seconds
MIN_HISTORY = 60  # at least so much of it must be known
STEP = 300  # of the roll-ups that past weeks are read from
MIN_WEEKS = 2


@dataclass(frozen=True, slots=True)
class Basis:
    """What is expected, in operations a second; `told` says where that comes from."""

    rate: float
    told: dict[str, Any]


def drop(rule: Rule, data: Data, start: int, end: int, progress: Progress) -> Window:
    """Compare what was done from `start` to `end` with what was to be expected."""
    done = total(data.numerator, start, end)
    alive = active(data, start, end)
    if not alive:
        return _left(Window(start, end, Verdict.NO_DATA, None, 0), progress, None)
    basis = expectation(data, start, end, progress)
    if basis is None:
        seen = done.n + _history(data.numerator, start)
        return _left(undecided(start, end, int(done.sum), seen=seen), progress, None).told(baseline="none")
    expected = basis.rate * alive * BUCKET_SECONDS
    told = {**basis.told, "expected": round(expected, 3)}
    if expected < max(1, rule.min_samples):
        few = Window(start, end, Verdict.INSUFFICIENT, None, int(done.sum), told)
        return _left(few, progress, None)
    judged = compare(rule, start, end, 100 - 100 * done.sum / expected, int(done.sum))
    return _left(judged.told(**told), progress, basis)


def expectation(data: Data, start: int, end: int, progress: Progress) -> Basis | None:
    """What is expected from `start` to `end`; None when nothing says it."""
    found = [rate for week in data.weeks if (rate := _rate(week, start, end)) is not None]
    if len(found) >= MIN_WEEKS:
        return Basis(median(found), {"baseline": "past weeks", "weeks": len(found)})
    healthy = progress.get("healthy")
    if healthy:
        return Basis(healthy["rate"], {"baseline": "last healthy hour", "until": healthy["until"]})
    breached = progress.get("breached", [])
    history = _history(data.numerator, start)
    known = history - sum(min(to, start) - max(at, start - history) for at, to in breached if to > start - history)
    if known < MIN_HISTORY:
        return None
    before = total(_without(data.numerator, breached), start - HISTORY, start).sum
    return Basis(before / known, {"baseline": "last healthy hour", "until": start})


def _rate(week: Line, start: int, end: int) -> float | None:
    """Operations a second in that week; None unless all of the time was rolled up."""
    steps = range(start // STEP * STEP, end, STEP)
    if not all(at in week for at in steps):
        return None
    return sum(week[at].sum * (min(at + STEP, end) - max(at, start)) / STEP for at in steps) / (end - start)


def _history(line: Line, start: int) -> int:
    """Seconds since the first operation of the hour before `start`."""
    return start - min((at for at in line if start - HISTORY <= at < start), default=start)


def _without(line: Line, breached: Sequence[Sequence[int]]) -> dict[int, Tally]:
    return {at: tally for at, tally in line.items() if not any(begin <= at < end for begin, end in breached)}


def _left(window: Window, progress: Progress, basis: Basis | None) -> Window:
    """What the next window has to know: which windows of the last hour breached, and what was healthy before them."""
    recent = [each for each in progress.get("breached", []) if each[1] > window.end - HISTORY]
    after = {**progress, "breached": recent}
    if window.verdict is Verdict.PASS:
        after.pop("healthy", None)
    elif window.verdict is Verdict.BREACH:
        after["breached"] = [*recent, [window.start, window.end]]
        if basis is not None and "until" in basis.told:
            after["healthy"] = {"rate": basis.rate, "until": basis.told["until"]}
    return replace(window, before=progress, after=after)
