"""Those with the flag on against those with it off, at the same time: does more go wrong on the one side?

An e-process (docs/adr/0014-triggers.md). Given how many operations each side had, each bad event of the two is one of
the canary's with a chance of at most `factor * on / (factor * on + off)`, as long as the canary's rate is at most
`factor` times the control's; that is exact for Poisson counts and safe for shares. Evidence is the likelihood ratio of
"the canary's rate is r times as high" to that, averaged over a few r and over when the fault began, in logarithms.
However often it is looked at: with nothing wrong it exceeds 1 / alpha with a chance of at most alpha in one life.

A life begins when the flag's percentage changes, and ends after a week at the latest.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from monitoring.domain.measures.data import Data, Exposure, Line, Progress, Tally, Window, total
from monitoring.domain.measures.rule import Rule
from monitoring.domain.metrics import BUCKET_SECONDS
from monitoring.domain.verdict import Verdict

TIMES = (3.0, 12.0)  # so many times the allowed rate: a fault is near one of these, or beyond them
FROM_START = 0.75  # the prior chance that a fault is there from the beginning; the rest is spread over the life
LIFE = 7 * 86_400
GREATEST = 1e12  # evidence is told up to here
CHECKED = 600  # seconds that a look at the split of the traffic takes in
ENOUGH = 1_000  # operations below which it says nothing
UNLIKELY = 0.001  # the split is wrong when chance explains it less often


def canary(rule: Rule, data: Data, start: int, end: int, progress: Progress) -> Window:
    """Add what happened from `start` to `end` to the evidence of the life that goes on, or begins anew."""
    state = dict(progress)
    for at in range(start, end, BUCKET_SECONDS):
        if _begins(state, data.exposure, at):
            state = {"start": at, "logs": [], "on": 0, "off": 0, "bad_on": 0.0, "bad_off": 0.0}
        _add(state, data, at, rule.factor or 1.0)
    evidence = e_value(state["logs"])
    window = replace(_judged(rule, data, state, evidence, start, end), before=progress)
    return _checked(replace(window, after=state), data, start, end)


def _judged(rule: Rule, data: Data, state: Mapping[str, Any], evidence: float, start: int, end: int) -> Window:
    """Evidence above the limit is a breach, even when one side is silent now; a pass needs both sides."""
    told = {
        "e_value": evidence,
        "since": state["start"],
        "on": _percent(state["bad_on"], state["on"]),
        "off": _percent(state["bad_off"], state["off"]),
        "on_samples": state["on"],
        "off_samples": state["off"],
    }
    on, off = (total(line, start, end).sum for line in (data.denominator, data.control_denominator))
    if evidence > rule.limit:
        verdict = Verdict.BREACH
    elif not on and not off:
        verdict = Verdict.NO_DATA
    elif not on or not off or state["on"] < rule.min_samples:
        verdict = Verdict.INSUFFICIENT
    else:
        verdict = Verdict.PASS
    value = None if verdict is Verdict.NO_DATA else evidence
    return Window(start, end, verdict, value, state["on"], told)


def _begins(state: Mapping[str, Any], exposure: Exposure | None, at: int) -> bool:
    """A new life: none goes on, it lasted a week, or the exposure changed in or before this bucket."""
    if "start" not in state or at - state["start"] >= LIFE:
        return True
    changes = exposure.changes if exposure else ()
    return any(at - BUCKET_SECONDS <= change < at for change in changes)


def _add(state: dict[str, Any], data: Data, at: int, factor: float) -> None:
    """One bucket. A side without operations in it can not be compared."""
    on, off = data.denominator.get(at, Tally()).sum, data.control_denominator.get(at, Tally()).sum
    if on <= 0 or off <= 0:
        return
    bad_on = min(data.numerator.get(at, Tally()).sum, on)
    bad_off = min(data.control_numerator.get(at, Tally()).sum, off)
    state["on"], state["off"] = state["on"] + int(on), state["off"] + int(off)
    state["bad_on"], state["bad_off"] = state["bad_on"] + bad_on, state["bad_off"] + bad_off
    state["logs"] = step(state["logs"], bad_on, bad_off, on=on, off=off, factor=factor)


def step(logs: list[float], bad_on: float, bad_off: float, *, on: float, off: float, factor: float) -> list[float]:
    """The logarithms of the evidence for each of TIMES after one more bucket; none before the first."""
    if not logs:
        begun = [math.log(FROM_START)] * len(TIMES)
    else:
        later = math.log((1 - FROM_START) / (LIFE // BUCKET_SECONDS))
        begun = [_add_logs(log, later) for log in logs]
    none = factor * on / (factor * on + off)
    found = []
    for log, times in zip(begun, TIMES, strict=True):
        share = times * factor * on / (times * factor * on + off)
        found.append(log + bad_on * math.log(share / none) + bad_off * math.log((1 - share) / (1 - none)))
    return found


def e_value(logs: list[float]) -> float:
    """The evidence that something is wrong; 1 and less is none."""
    if not logs:
        return 1.0
    top = max(logs)
    log = top + math.log(sum(math.exp(each - top) for each in logs) / len(logs))
    return math.exp(log) if log < math.log(GREATEST) else GREATEST


def _add_logs(one: float, other: float) -> float:
    high, low = max(one, other), min(one, other)
    return high + math.log1p(math.exp(low - high))


def _percent(bad: float, operations: float) -> float | None:
    return 100 * bad / operations if operations else None


def _checked(window: Window, data: Data, start: int, end: int) -> Window:
    """Is 10 % really 10 %? Looked at once for every ten minutes of a life; it never fires, it only tells."""
    state = dict(window.after)
    block = state.get("block") or {"start": state["start"], "on": 0.0, "all": 0.0}
    for at in range(max(start, block["start"]), end, BUCKET_SECONDS):
        on = data.denominator.get(at, Tally()).sum
        block = {
            **block,
            "on": block["on"] + on,
            "all": block["all"] + on + data.control_denominator.get(at, Tally()).sum,
        }
    if end - block["start"] >= CHECKED:
        if data.exposure is not None and block["all"] >= ENOUGH:
            state["split"] = split(block["on"], block["all"], data.exposure)
        block = {"start": end, "on": 0.0, "all": 0.0}
    state["block"] = block
    return replace(window.told(split=state.get("split")), after=state)


def split(on: float, whole: float, exposure: Exposure) -> dict[str, Any]:
    """What share has the feature, what share should, and how likely chance makes such a difference (two-sided).

    With an allow-list or rules of targeting, more than the percentage is right: then only less is wrong.
    """
    expected, seen = exposure.percentage / 100, on / whole
    deviation = math.sqrt(max(expected * (1 - expected), 1e-9) / whole)
    away = (seen - expected) / deviation
    unlikely = math.erfc(abs(away) / math.sqrt(2))
    fine = unlikely >= UNLIKELY or (exposure.listed and away > 0)
    return {"expected": exposure.percentage, "seen": round(100 * seen, 3), "p": unlikely, "fine": fine}


def line_above(spread: Mapping[int, Any], threshold: float) -> tuple[Line, Line]:
    """Of the sketches of a timing: how many took longer than `threshold` ms, and how many there were, by bucket."""
    slow, every = {}, {}
    for at, sketch in spread.items():
        n = sketch.count
        every[at] = Tally(n, float(n))
        slow[at] = Tally(n, float(n - sketch.below([threshold])[0]))
    return slow, every
