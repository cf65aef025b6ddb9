"""The simulated detectors of benchmarks/detectors.py judge as the guard does, and false alarms are as rare as told."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from benchmarks import detectors
from monitoring.domain.measures.rule import Rule
from monitoring.domain.sketch import LogSketch
from monitoring.domain.track import Track, follow
from monitoring.domain.verdict import Measure
from monitoring.domain.windows import Data, Tally, judge

T, TICKS, COLUMNS = 1_700_000_000, 240, 12


def domain_fires(rule: Rule, counts: list[np.ndarray[Any, Any]], column: int) -> int | None:
    """The tick at which the guard's own code fires first."""
    lines = [{T + 10 * tick: Tally(int(n[column]), float(n[column])) for tick, n in enumerate(line)} for line in counts]
    data = Data({})
    if rule.measure is Measure.RATIO:
        data = Data(lines[1], lines[0])
    if rule.measure is Measure.CANARY:
        data = Data(lines[1], lines[0], control_numerator=lines[3], control_denominator=lines[2])
    if rule.measure is Measure.COUNT:
        data = Data(lines[0], active=frozenset(lines[0]))
    if rule.measure is Measure.MEAN:
        spread, line = {}, {}
        for at, every in lines[0].items():
            slow = int(lines[1][at].sum)
            spread[at] = LogSketch()
            spread[at].add(detectors.FAST, every.n - slow)
            spread[at].add(detectors.SLOW, slow)
            line[at] = Tally(every.n, float((every.n - slow) * detectors.FAST + slow * detectors.SLOW))
        data = Data(line, spread=spread)
    track, left = Track(judged_until=T), {}
    for until in range(T + 10, T + 10 * TICKS + 1, 10):
        found = judge(rule, data, since=track.judged_until, until=until, armed_from=T, progress=left)
        track, left = follow(rule, track, found), found[-1].after if found else left
        if track.fired_by:
            return (until - T) // 10 - 1
    return None


@pytest.mark.parametrize(
    ("rule", "make"),
    [
        (detectors.ERROR_RATE, lambda: detectors.Ratio(detectors.ERROR_RATE, COLUMNS)),
        (detectors.RESPONSE_TIME, lambda: detectors.Mean(detectors.RESPONSE_TIME, COLUMNS)),
        (detectors.CRITICAL, lambda: detectors.Count(detectors.CRITICAL, COLUMNS)),
        (detectors.CANARY, lambda: detectors.Canary(detectors.CANARY, COLUMNS)),
    ],
)
def test_the_twins_fire_when_the_guard_does(rule: Rule, make: Any) -> None:
    rng = np.random.default_rng(7)
    share = np.linspace(0.005, 0.2, COLUMNS)
    on = rng.poisson(12, (TICKS, COLUMNS))
    off = rng.poisson(90, (TICKS, COLUMNS))
    counts = [on, rng.binomial(on, share), off, rng.binomial(off, 0.03)]
    if rule.measure is Measure.COUNT:
        counts = [rng.binomial(on, share / 5)]
    twin, first = make(), [None] * COLUMNS
    for tick in range(TICKS):
        for column in np.flatnonzero(twin.step(*(line[tick] for line in counts))):
            first[column] = tick if first[column] is None else first[column]
    assert first == [domain_fires(rule, counts, column) for column in range(COLUMNS)]
    assert None in first
    assert any(first)


@pytest.mark.parametrize("rate", [1, 10])
def test_two_weeks_at_three_percent_fire_nothing(rate: int) -> None:
    rng = np.random.default_rng(3)
    healthy = detectors.two_sides(rng, rate, healthy=0.03, fault=0.03, control=0.03)
    days = detectors.Ratio(detectors.ERROR_RATE, 14)
    assert not sum(int(days.step(*healthy(14)).sum()) for _ in range(detectors.DAY))
