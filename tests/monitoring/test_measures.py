"""What each measure makes of a window, without a database; statistics against scipy."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from monitoring.domain.measures import canary
from monitoring.domain.measures.data import Baseline, Exposure, Said
from monitoring.domain.measures.ratio import chance
from monitoring.domain.measures.rise import measured
from monitoring.domain.measures.rule import Rule
from monitoring.domain.sketch import LogSketch
from monitoring.domain.verdict import Measure, Verdict
from monitoring.domain.windows import Data, Tally, Window, again, judge

T = 1_700_006_400  # a multiple of an hour
WEEK = 7 * 86_400
P, B, I, N = Verdict.PASS, Verdict.BREACH, Verdict.INSUFFICIENT, Verdict.NO_DATA  # noqa: E741


def rule(measure: Measure, **over: Any) -> Rule:
    facts = {"threshold": 50.0, "window": 30, "max_window": 30, "min_samples": 10, "consecutive": 2}
    return Rule(measure=measure, **{**facts, **over})


def steady(total: float, start: int, end: int, *, n: int | None = None) -> dict[int, Tally]:
    return {at: Tally(int(total) if n is None else n, total) for at in range(start, end, 10)}


def spread(*timings: tuple[float, int]) -> LogSketch:
    sketch = LogSketch()
    for value, n in timings:
        sketch.add(value, n)
    return sketch


@pytest.mark.parametrize(
    ("timings", "known", "verdict", "told"),
    [
        ([(300, 11), (60_000, 1)], True, P, "mean and p95"),  # one time-out in twelve lifts the mean alone
        ([(300, 5), (60_000, 7)], True, B, "mean and p95"),
        ([(300, 11), (60_000, 1)], False, B, "mean"),  # without sketches the mean decides, and says so
        ([(300, 12)], True, P, "mean and p95"),
    ],
)
def test_a_mean_with_a_percentile(
    timings: list[tuple[float, int]], *, known: bool, verdict: Verdict, told: str
) -> None:
    n = sum(count for _, count in timings)
    total = sum(value * count for value, count in timings)
    data = Data({T: Tally(n, total)}, spread={T: spread(*timings)} if known else {})
    window = again(rule(Measure.MEAN, threshold=5000, window=10, percentile=90), data, T, T + 10)
    assert (window.verdict, window.detail["judged_by"].replace("p90", "p95")) == (verdict, told)


@pytest.mark.parametrize(
    ("weeks", "before", "verdict", "baseline", "expected"),
    [
        ([1200, 1500, 1800], 100, B, "past weeks", 150),  # their median, whatever the last hour had
        ([300, 300], 100, P, "past weeks", 30),  # every Sunday is like this
        ([1500], 100, B, "last healthy hour", 300),  # one week proves nothing
        ([], 100, B, "last healthy hour", 300),
    ],
)
def test_a_drop_is_measured_against_past_weeks_or_the_last_healthy_hour(
    weeks: list[float], before: float, verdict: Verdict, baseline: str, expected: float
) -> None:
    lines = tuple({T: Tally(1, total)} for total in weeks)
    data = Data(
        steady(before, T - 3600, T) | steady(20, T, T + 30), active=frozenset(range(T, T + 30, 10)), weeks=lines
    )
    window = again(rule(Measure.DROP), data, T, T + 30)
    assert (window.verdict, window.detail["baseline"], window.detail["expected"]) == (verdict, baseline, expected)


def test_a_drop_that_lasts_is_measured_against_what_was_before_it_for_as_long_as_it_lasts() -> None:
    end = T + 7200
    data = Data(steady(100, T - 3600, T) | steady(20, T, end), active=frozenset(range(T - 3600, end, 10)))
    found: list[Window] = []
    for until in range(T + 300, end + 1, 300):
        left = found[-1].after if found else {}
        found += judge(rule(Measure.DROP), data, since=until - 300, until=until, progress=left)
    assert {window.verdict for window in found} == {B}
    assert {window.value for window in found} == {80.0}
    assert {window.detail["until"] for window in found} == {T}


def test_windows_that_breached_are_no_part_of_the_healthy_hour() -> None:
    data = Data(
        steady(100, T - 600, T) | steady(0, T, T + 300, n=1) | steady(100, T + 300, T + 360),
        active=frozenset(range(T - 600, T + 360, 10)),
    )
    found = judge(rule(Measure.DROP), data, since=T, until=T + 360)
    assert [window.verdict for window in found] == [B] * 10 + [P, P]
    assert found[-1].value == pytest.approx(0)


@pytest.mark.parametrize(
    ("tries", "verdict"),
    [
        ([(1, 0.0)] * 3, B),
        ([(1, 0.0), (1, 0.0), (1, 1.0)], P),  # it came up
        ([(1, 0.0)], I),
        ([], N),  # nobody tried
    ],
)
def test_a_start_fails_when_no_try_of_a_whole_window_succeeds(tries: list[tuple[int, float]], verdict: Verdict) -> None:
    data = Data({T + 10 * index: Tally(*each) for index, each in enumerate(tries)})
    assert again(rule(Measure.START, threshold=99, min_samples=3), data, T, T + 30).verdict is verdict


def test_distinct_counts_users_and_not_complaints() -> None:
    asked = rule(Measure.DISTINCT, threshold=2, window=600, max_window=600)
    loud = [Said(T + second, "npub1") for second in range(50)]
    alive = frozenset({T + 590})
    assert again(asked, Data({}, said=loud, active=alive), T, T + 600).verdict is P
    others = [*loud, Said(T + 1, "npub2"), Said(T + 599, "npub3"), Said(T + 600, "npub4")]
    window = again(asked, Data({}, said=others, active=alive), T, T + 600)
    assert (window.verdict, window.value) == (B, 3)


@pytest.mark.parametrize(
    ("value", "n", "verdict"),
    [
        (119, 1000, P),
        (150, 1000, B),
        (121, 1000, P),  # above, and chance explains it: the window is as long as it may get
        (150, 6, P),  # so few prove nothing
        (150, 4, I),
    ],
)
def test_a_rise_of_a_mean_must_be_more_than_chance(value: float, n: int, verdict: Verdict) -> None:
    before = Baseline(100.0, 1000, 50.0, T - 3600, T)
    data = Data({T: Tally(n, n * (value - 10)), T + 10: Tally(n, n * (value + 10))}, baseline=before)
    window = again(rule(Measure.RISE, threshold=20), data, T, T + 30)
    assert window.verdict is verdict
    assert window.after["baseline"]["value"] == 100.0
    assert (
        again(rule(Measure.RISE, threshold=20), Data(data.numerator), T, T + 30).verdict is I
    )  # nothing to compare with


def test_a_baseline_stays_what_it_was() -> None:
    kept = {"baseline": Baseline(100.0, 1000, 5.0, T - 3600, T).as_dict()}
    drifted = Data(steady(15_000, T, T + 30, n=100), baseline=Baseline(150.0, 1000, 5.0, T - 3600, T))
    assert again(rule(Measure.RISE, threshold=20), drifted, T, T + 30, progress=kept).verdict is B


def test_a_share_and_a_mean_know_their_deviation() -> None:
    found = measured(steady(1, T, T + 30), steady(100, T, T + 30), T, T + 30, shares=True)
    assert found is not None
    assert (found.value, found.n) == (pytest.approx(1.0), 300)
    assert found.deviation == pytest.approx(100 * math.sqrt(stats.bernoulli(0.01).var()))
    means = [90.0, 100.0, 110.0, 120.0]
    found = measured({T + 10 * i: Tally(1, mean) for i, mean in enumerate(means)}, {}, T, T + 40, shares=False)
    assert found is not None
    assert found.deviation == pytest.approx(stats.tstd(means))


def test_what_breached_passes_again_only_below_the_clear_threshold() -> None:
    asked = rule(Measure.RATIO, threshold=5.0, clear_threshold=3.0, window=10, max_window=10)
    shares = [4, 20, 4, 4, 2, 4]
    data = Data({T + 10 * i: Tally(1, share) for i, share in enumerate(shares)}, steady(100, T, T + 10 * len(shares)))
    found = judge(asked, data, since=T, until=T + 60)
    assert [window.verdict for window in found] == [P, B, I, I, P, P]


@given(st.floats(0.1, 50), st.integers(20, 10_000), st.floats(0.001, 0.4))
@settings(max_examples=30, deadline=None)
def test_chance_is_the_normal_one(threshold: float, operations: int, alpha: float) -> None:
    share = threshold / 100
    lifted = stats.norm.isf(alpha, share, math.sqrt(share * (1 - share) / operations))
    assert chance(threshold, operations, alpha) == pytest.approx(100 * lifted)


# The canary


@given(st.integers(0, 12), st.integers(0, 12), st.integers(1, 500), st.integers(1, 500), st.floats(1, 3))
@settings(max_examples=40, deadline=None)
def test_evidence_is_the_ratio_of_binomial_likelihoods(
    bad_on: int, bad_off: int, on: int, off: int, factor: float
) -> None:
    logs = canary.step([], bad_on, bad_off, on=on, off=off, factor=factor)
    events, none = bad_on + bad_off, factor * on / (factor * on + off)
    for log, times in zip(logs, canary.TIMES, strict=True):
        share = times * factor * on / (times * factor * on + off)
        expected = stats.binom.logpmf(bad_on, events, share) - stats.binom.logpmf(bad_on, events, none)
        assert log == pytest.approx(math.log(canary.FROM_START) + expected, abs=1e-6)


@given(st.integers(0, 30), st.integers(1, 500), st.integers(1, 500), st.floats(1, 3), st.floats(0.05, 1))
@settings(max_examples=40, deadline=None)
def test_evidence_of_nothing_is_one_at_most_in_the_mean(
    events: int, on: int, off: int, factor: float, true: float
) -> None:
    """Whatever rate the canary has, as long as it is at most `factor` times the control's."""
    share = true * factor * on / (true * factor * on + off)
    mean = sum(
        stats.binom.pmf(bad, events, share)
        * canary.e_value(canary.step([], bad, events - bad, on=on, off=off, factor=factor))
        for bad in range(events + 1)
    )
    assert mean <= 1 + 1e-9


def test_evidence_never_underflows_nor_overflows() -> None:
    logs: list[float] = []
    for _ in range(5000):
        logs = canary.step(logs, 0, 50, on=1000, off=9000, factor=1)
    assert canary.e_value(logs) < 0.1
    for _ in range(5000):
        logs = canary.step(logs, 500, 0, on=1000, off=9000, factor=1)
    assert canary.e_value(logs) == canary.GREATEST


def sides(seconds: int, on: tuple[float, float], off: tuple[float, float], **over: Any) -> Data:
    """Operations and bad events of each ten seconds, of those with the flag on and off."""
    end = T + seconds
    return Data(
        steady(on[1], T, end),
        steady(on[0], T, end),
        control_numerator=steady(off[1], T, end),
        control_denominator=steady(off[0], T, end),
        **over,
    )


CANARY = rule(Measure.CANARY, threshold=0, window=10, max_window=10, min_samples=20, consecutive=1, alpha=0.01)


@pytest.mark.parametrize(
    ("on", "off", "ends"),
    [
        ((10, 1), (90, 0), B),
        ((10, 0.5), (90, 4.5), P),  # the same rate
        ((10, 0), (90, 9), P),  # the control is worse
        ((10, 0), (90, 0), P),
        ((10, 5), (0, 0), I),  # no control, no comparison
        ((0, 0), (90, 1), I),
        ((0, 0), (0, 0), N),
    ],
)
def test_a_canary(on: tuple[float, float], off: tuple[float, float], ends: Verdict) -> None:
    found = judge(CANARY, sides(200, on, off), since=T, until=T + 200)
    assert found[-1].verdict is ends
    assert (found[-1].value is None) == (ends is N)


def test_evidence_begins_anew_when_the_percentage_changes() -> None:
    data = sides(200, (10, 1), (90, 0), exposure=Exposure(10.0, changes=(T + 195,)))
    before, after = judge(CANARY, data, since=T, until=T + 200)[-1], again(CANARY, data, T + 200, T + 210)
    assert (before.verdict, after.verdict) == (B, N)
    assert after.after["start"] == T + 200


@pytest.mark.parametrize(
    ("on", "listed", "fine"), [(100, False, True), (130, False, False), (130, True, True), (70, True, False)]
)
def test_a_split_that_is_not_the_percentage_is_told_and_never_fires(on: int, *, listed: bool, fine: bool) -> None:
    data = sides(600, (on, 0), (1000 - on, 0), exposure=Exposure(10.0, listed=listed))
    window = judge(CANARY, data, since=T, until=T + 600)[-1]
    assert window.verdict is P
    assert window.detail["split"]["fine"] is fine
    p = stats.binomtest(60 * on, 60_000, 0.1).pvalue
    assert window.detail["split"]["p"] == pytest.approx(p, abs=0.01)


# Whatever comes or does not come


@given(
    st.sampled_from(Measure),
    st.sets(st.integers(0, 119)),
    st.sets(st.integers(0, 119), max_size=20),
    st.lists(st.integers(1, 40), min_size=1, max_size=40),
)
@settings(max_examples=60, deadline=None)
def test_nothing_fires_because_data_is_missing_or_came_twice(
    measure: Measure, missing: set[int], twice: set[int], gaps: list[int]
) -> None:
    """Healthy traffic with holes and repeated reports, judged in any rhythm."""

    def holed(total: float, n: int) -> dict[int, Tally]:
        once = {T + 10 * index: Tally(n, total) for index in range(120) if index not in missing}
        return {at: tally + tally if (at - T) // 10 in twice else tally for at, tally in once.items()}

    asked = rule(
        measure,
        threshold={Measure.MEAN: 5000, Measure.COUNT: 100, Measure.RATIO: 5}.get(measure, 50),
        shares=measure is Measure.RISE,
    )
    below = holed(100, 100)
    data = Data(
        holed(1, 1) if measure is not Measure.DROP else {at: tally for at, tally in below.items() if at not in twice},
        below,
        active=frozenset(below),
        control_numerator=holed(9, 9),
        control_denominator=holed(900, 900),
        baseline=Baseline(1.0, 10_000, 10.0, T - 3600, T),
    )
    left: dict[str, Any] = {}
    seen: list[Window] = []
    since = T
    until = T
    for gap in gaps:
        until = min(until + 10 * gap, T + 1200)
        found = judge(asked, data, since=since, until=until, armed_from=T, progress=left)
        if found:
            since, left = found[-1].end, dict(found[-1].after)
        seen += found
    if not (measure is Measure.DROP and twice):  # counted twice is more than there was, so what follows is less
        assert B not in {window.verdict for window in seen}


@pytest.mark.parametrize("measure", [Measure.RATIO, Measure.MEAN])
def test_what_is_no_number_says_nothing(measure: Measure) -> None:
    data = Data({T: Tally(100, math.nan)}, {T: Tally(100, 100.0)})
    assert again(rule(measure), data, T, T + 30).verdict is I
