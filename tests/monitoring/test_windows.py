"""The windows of a trigger and what each of them says, without a database."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitoring.domain import windows
from monitoring.domain.measures.data import Baseline, Exposure, Said
from monitoring.domain.rule import Rule
from monitoring.domain.verdict import SLIDING, Measure, Verdict
from monitoring.domain.windows import Data, Tally, Window, alive_from, begin, horizon, judge, next_bucket, reach

T = 1_700_000_000  # a multiple of ten


def rule(measure: Measure = Measure.RATIO, **over: float) -> Rule:
    facts = {"threshold": 5.0, "window": 10, "max_window": 60, "min_samples": 20, "consecutive": 2}
    return Rule(measure=measure, **{**facts, **over})


def line(*sums: float | None, start: int = T, n: int | None = None) -> dict[int, Tally]:
    """One bucket after the other; None is a bucket without samples. `n` samples each, else as many as the sum."""
    return {
        start + 10 * index: Tally(int(total) if n is None else n, total)
        for index, total in enumerate(sums)
        if total is not None
    }


def one(measure: Measure, data: Data, **over: float) -> Window:
    """The only window of one bucket, or of `window` seconds."""
    asked = rule(measure, **{"max_window": over.get("window", 10), **over})
    (window,) = judge(asked, data, since=T, until=T + asked.window)
    return window


@pytest.mark.parametrize(
    ("errors", "operations", "verdict", "value"),
    [
        (5, 100, Verdict.PASS, 5.0),  # at the threshold is not above it
        (20, 100, Verdict.BREACH, 20.0),
        (0, 100, Verdict.PASS, 0.0),
        (None, 100, Verdict.PASS, 0.0),  # nobody reports an error that did not happen
        (1, 19, Verdict.INSUFFICIENT, None),
        (None, None, Verdict.NO_DATA, None),
        (9, None, Verdict.INSUFFICIENT, None),  # errors without operations are no ratio, and no pass
        (9, 0, Verdict.INSUFFICIENT, None),
    ],
)
def test_a_ratio(errors: int | None, operations: int | None, verdict: Verdict, value: float | None) -> None:
    window = one(Measure.RATIO, Data(line(errors), line(operations, n=1)))
    assert (window.verdict, window.value) == (verdict, value)


@pytest.mark.parametrize(
    ("errors", "operations", "decided"),
    [(2, 25, False), (3, 25, False), (4, 25, True), (8, 100, False), (9, 100, True), (1, 20, True), (63, 1000, True)],
)
def test_a_rate_that_chance_explains_waits_for_more_operations(errors: int, operations: int, *, decided: bool) -> None:
    found = judge(rule(), Data(line(errors), line(operations)), since=T, until=T + 10)
    assert bool(found) == decided


def test_what_waited_is_judged_by_the_plain_threshold_in_the_end() -> None:
    barely = Data(line(*[2] * 6), line(*[30] * 6))  # 6.7 %, never above by more than chance
    (window,) = judge(rule(), barely, since=T, until=T + 60)
    assert (window.start, window.end, window.verdict) == (T, T + 60, Verdict.BREACH)


@given(st.floats(0, 100), st.integers(1, 10**6))
def test_chance_lifts_a_threshold_less_the_more_operations_there_are(threshold: float, operations: int) -> None:
    lifted = windows.chance(threshold, operations)
    assert windows.chance(threshold, 2 * operations) <= lifted
    assert lifted >= threshold


@pytest.mark.parametrize(
    ("n", "total", "verdict", "value"),
    [
        (20, 100_000, Verdict.PASS, 5000.0),
        (20, 100_020, Verdict.BREACH, 5001.0),
        (19, 1_000_000, Verdict.INSUFFICIENT, None),
        (None, None, Verdict.NO_DATA, None),
    ],
)
def test_a_mean(n: int | None, total: float | None, verdict: Verdict, value: float | None) -> None:
    window = one(Measure.MEAN, Data(line(total, n=n)), threshold=5000)
    assert (window.verdict, window.value, window.samples) == (verdict, value, n or 0)


@pytest.mark.parametrize(
    ("counted", "active", "verdict", "value"),
    [
        ([5, 6], [0, 1], Verdict.BREACH, 11),
        ([5, 5], [0, 1], Verdict.PASS, 10),
        ([None, None], [0, 1], Verdict.PASS, 0),
        ([None, None], [], Verdict.NO_DATA, None),
        ([5, None], [0], Verdict.NO_DATA, None),  # the reporter fell silent a minute ago
        ([20, None], [0], Verdict.BREACH, 20),  # but what it reported counts
    ],
)
def test_a_count(counted: list[float | None], active: list[int], verdict: Verdict, value: float | None) -> None:
    start = {0: T, 1: T + 290}
    data = Data(
        {start[i]: Tally(1, total) for i, total in enumerate(counted) if total is not None},
        active=frozenset(start[i] for i in active),
    )
    asked = rule(Measure.COUNT, threshold=10, window=300, max_window=300, min_samples=0, consecutive=1)
    (window,) = judge(asked, data, since=T + 290, until=T + 300)
    assert (window.verdict, window.value) == (verdict, value)


def test_a_count_leaves_out_what_was_before_it_was_armed() -> None:
    data = Data(line(50, None, 3), active=frozenset({T, T + 20}))
    asked = rule(Measure.COUNT, threshold=10, window=300, max_window=300)
    (window,) = judge(asked, data, since=T + 20, until=T + 30, armed_from=T + 10)
    assert (window.start, window.value, window.verdict) == (T + 10, 3, Verdict.PASS)


@pytest.mark.parametrize(
    ("before", "done", "active", "verdict", "value"),
    [
        ([100] * 60, [50, 50, 50], [0, 1, 2], Verdict.PASS, 50.0),
        ([100] * 60, [49, 50, 50], [0, 1, 2], Verdict.BREACH, 100 - 14900 / 300),
        ([100] * 60, [None] * 3, [0, 1, 2], Verdict.BREACH, 100.0),  # others report: the reporter lives
        ([100] * 60, [None] * 3, [], Verdict.NO_DATA, None),
        ([100] * 60, [99, None, None], [0], Verdict.PASS, 1.0),  # a reporter that is down is no drop
        ([100] * 5, [1, 1, 1], [0, 1, 2], Verdict.INSUFFICIENT, None),  # less than a minute of history
        ([], [100, 100, 100], [0, 1, 2], Verdict.INSUFFICIENT, None),
        ([], [None] * 3, [0, 1, 2], Verdict.NO_DATA, None),
        ([2] * 60, [0, 0, 0], [0, 1, 2], Verdict.INSUFFICIENT, None),  # six expected: too few to miss
        ([100] * 60, [300, 300, 300], [0, 1, 2], Verdict.PASS, -200.0),
    ],
)
def test_a_drop(
    before: list[float], done: list[float | None], active: list[int], verdict: Verdict, value: float | None
) -> None:
    data = Data(
        line(*before, start=T - 10 * len(before)) | line(*done), active=frozenset(T + 10 * index for index in active)
    )
    window = one(Measure.DROP, data, threshold=50, window=30)
    assert (window.verdict, window.value) == (verdict, pytest.approx(value) if value is not None else None)


def test_a_drop_that_has_no_history_does_not_wait_for_it_in_one_long_window() -> None:
    found = judge(
        rule(Measure.DROP, threshold=50, window=30, max_window=300),
        Data(line(*[100] * 12), active=frozenset(range(T, T + 120, 10))),
        since=T,
        until=T + 120,
    )
    assert [(window.start - T, window.verdict) for window in found] == [
        (0, Verdict.INSUFFICIENT),
        (30, Verdict.INSUFFICIENT),
        (60, Verdict.PASS),
        (90, Verdict.PASS),
    ]


def test_the_horizon_waits_for_samples_that_travel() -> None:
    assert [horizon(T + second) - T for second in (0, 2.9, 3, 12.9, 13)] == [-10, -10, 0, 0, 10]
    assert [next_bucket(T + second) - T for second in (0, 0.1, 9.9, 10)] == [0, 10, 10, 10]


def test_nothing_is_due_before_the_first_bucket_after_arming() -> None:
    data = Data(line(100, start=T - 10), line(100, start=T - 10), frozenset({T - 10}))
    for measure in Measure:
        assert judge(rule(measure), data, since=T, until=T - 10) == []
        assert judge(rule(measure), data, since=T, until=T) == []


def test_a_minute_of_silence_ends_a_window_that_waits_for_samples() -> None:
    few = Data({}, line(5, 5, *[None] * 10, 30))
    found = judge(rule(max_window=300), few, since=T, until=T + 130)
    assert [(window.start - T, window.end - T, window.verdict) for window in found] == [
        (0, 80, Verdict.INSUFFICIENT),
        (80, 130, Verdict.PASS),
    ]


# Any measure, any data, any rhythm of judging

tallies = st.builds(Tally, st.integers(0, 40), st.integers(0, 40).map(float))
lines = st.dictionaries(st.integers(-60, 80).map(lambda index: T + 10 * index), tallies, max_size=100)
moments = st.integers(-60, 80).map(lambda index: T + 10 * index)
datas = st.builds(
    Data,
    lines,
    lines,
    st.frozensets(moments),
    said=st.lists(st.builds(Said, moments.map(float), st.sampled_from("abcdef")), max_size=20),
    control_numerator=lines,
    control_denominator=lines,
    baseline=st.none() | st.just(Baseline(10.0, 1000, 2.0, T - 3600, T)),
    exposure=st.none() | st.builds(Exposure, st.floats(1, 100), st.booleans(), st.tuples(moments)),
)
rules = st.builds(
    lambda measure, threshold, window, extra, least, row: Rule(
        measure, threshold, 10 * window, 10 * (window + extra), least, row
    ),
    st.sampled_from(Measure),
    st.floats(0, 100),
    st.integers(1, 6),
    st.integers(0, 9),
    st.integers(0, 60),
    st.integers(1, 3),
)
# A round looks at up to two minutes more than the one before; pauses so long that windows are folded come below.
cuts = st.lists(st.integers(1, 12), max_size=80).map(
    lambda gaps: [T + 10 * end for end in itertools.accumulate(gaps) if end < 80] + [T + 800]
)


def in_rhythm(asked: Rule, data: Data, until: Iterable[int]) -> list[Window]:
    """Judged up to each of these seconds, each round going on where the last one stopped."""
    since, found = T, []
    for end in until:
        left = found[-1].after if found else {}
        found += judge(asked, data, since=since, until=end, armed_from=T, progress=left)
        since = found[-1].end if found else since
    return found


@settings(deadline=None)  # a busy machine is no failure
@given(rules, datas, st.lists(st.integers(1, 12), min_size=7, max_size=80))
def test_the_same_data_gives_the_same_windows_in_any_rhythm(asked: Rule, data: Data, gaps: list[int]) -> None:
    rounds = [T + 10 * end for end in itertools.accumulate(gaps)]
    steady = in_rhythm(asked, data, range(T + 10, rounds[-1] + 1, 10))
    assert in_rhythm(asked, data, rounds) == steady


@settings(deadline=None)  # a busy machine is no failure
@given(rules, datas, cuts)
def test_windows_follow_each_other_without_a_gap_and_without_overlap(
    asked: Rule, data: Data, rounds: list[int]
) -> None:
    found = in_rhythm(asked, data, rounds)
    if asked.measure in SLIDING:
        assert all(b.end - a.end >= 10 and b.end % 10 == 0 for a, b in itertools.pairwise(found))
    else:
        assert all(a.end == b.start for a, b in itertools.pairwise(found))
        assert all(window.start >= T for window in found)
    assert all(window.end <= T + 800 and window.end - window.start >= 10 for window in found)
    if found:
        assert T + 800 - found[-1].end < max(asked.max_window, asked.window) + 10


@settings(deadline=None)  # a busy machine is no failure
@given(rules, datas, cuts)
def test_a_window_without_its_samples_is_never_a_pass(asked: Rule, data: Data, rounds: list[int]) -> None:
    for window in in_rhythm(asked, data, rounds):
        if window.verdict is Verdict.PASS:
            assert window.value is not None
            assert window.value <= asked.limit or asked.measure is Measure.START
            if asked.measure in (Measure.RATIO, Measure.MEAN):
                assert window.samples >= max(1, asked.min_samples)
            elif asked.measure is Measure.CANARY:
                for line in (data.denominator, data.control_denominator):  # errors that did not happen are not reported
                    assert any(window.start <= at < window.end for at in line)
            else:
                counts = asked.measure in (Measure.COUNT, Measure.DISTINCT)
                seen = {*data.active} if counts else {*data.active, *data.numerator}
                assert any(max(window.start, window.end - 60) - 600 <= at < window.end for at in seen)
        if window.verdict is Verdict.BREACH:
            assert window.value is not None
            assert window.value > asked.limit


@settings(deadline=None)  # a busy machine is no failure
@given(rules, datas, st.integers(0, 40), st.integers(1, 800))
def test_nothing_outside_its_reach_is_looked_at(asked: Rule, data: Data, start: int, length: int) -> None:
    since = T + 10 * start
    until = since + 10 * length
    first, alive = reach(asked, since, until=until), alive_from(asked, since, until=until)
    names = ("numerator", "denominator", "control_numerator", "control_denominator")
    seen = replace(
        data,
        active=frozenset(at for at in data.active if alive is not None and alive <= at < until),
        said=[one for one in data.said if first <= one.at < until],
        **{name: {at: n for at, n in getattr(data, name).items() if first <= at < until} for name in names},
    )
    assert judge(asked, seen, since=since, until=until) == judge(asked, data, since=since, until=until)


def test_a_trigger_that_was_never_judged_begins_with_the_last_window() -> None:
    assert begin(rule(window=30), 0, until=T) == T - 30
    assert begin(rule(window=30), T - 20, until=T) == T - 20


@pytest.mark.parametrize("measure", [Measure.RATIO, Measure.MEAN, Measure.DROP])
def test_after_a_long_pause_what_is_old_becomes_one_window(measure: Measure) -> None:
    day = 86_400
    found = judge(rule(measure), Data({}), since=T - day, until=T)
    assert found[0].end - found[0].start <= 3600
    assert len(found) <= 2 + windows.CATCH_UP
    assert found[0].start > T - day
