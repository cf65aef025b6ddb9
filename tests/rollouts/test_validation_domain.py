"""What is noise and what is a change: against scipy, and by what the regression check makes of it."""

from __future__ import annotations

import random
from typing import Any

import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from rollouts.domain.validation import Check, Findings, failures, few, overall
from rollouts.domain.validation_noise import ALPHA, mean_is_higher, share_is_higher
from rollouts.domain.validation_regression import Period, compare

FEW = settings(max_examples=40, deadline=None)
VALUES = st.lists(st.floats(1, 1_000), min_size=2, max_size=30)


@FEW
@given(VALUES, VALUES, st.sampled_from([1.0, 1.2]))
def test_welchs_test_is_that_of_scipy(values: list[float], before: list[float], factor: float) -> None:
    scaled = [factor * value for value in before]
    if len(set(values)) > 1 and len(set(before)) > 1:
        oracle = scipy.stats.ttest_ind(values, scaled, equal_var=False, alternative="greater").pvalue
        assert mean_is_higher(values, before, factor) == pytest.approx(oracle, abs=1e-7)


@FEW
@given(st.integers(0, 300), st.integers(300, 9_000), st.integers(0, 300), st.integers(300, 9_000))
def test_two_shares_are_compared_as_a_table_of_four_is(events: int, trials: int, before: int, many: int) -> None:
    p = share_is_higher(events, trials, before, many)
    assert 0 <= p <= 1
    if 0 < events + before < trials + many:
        table = [[events, trials - events], [before, many - before]]
        both_sides = scipy.stats.chi2_contingency(table, correction=False).pvalue
        assert min(p, 1 - p) == pytest.approx(both_sides / 2, abs=1e-9)


def test_too_little_says_nothing() -> None:
    assert share_is_higher(5, 10, 0, 0) == share_is_higher(0, 100, 0, 100) == share_is_higher(9, 9, 9, 9) == 1
    assert mean_is_higher([9.0], [1.0, 1.0]) == 1
    assert (mean_is_higher([3.0, 3.0], [1.0, 1.0]), mean_is_higher([1.0, 1.0], [1.0, 1.0])) == (0, 1)


def period(label: str = "now", *, errors: float = 20, mean: float = 300, p95: float = 500, many: int = 6_000) -> Period:
    dice = random.Random(label)
    means, p95s = ([dice.gauss(middle, 30) for _ in range(60)] for middle in (mean, p95))
    return Period(label, many, errors, means, p95s)


BEFORE = period("before")


@pytest.mark.parametrize(
    ("now", "wrong"),
    [
        (period(), []),
        (period(mean=340, errors=25), []),  # slower, within 20 %
        (period(mean=400), ["Response time, mean"]),
        (period(p95=900), ["Response time, p95"]),
        (period(p95=604), []),  # a little over 20 % is noise
        (period(errors=29), []),  # 0.48 %: more than before, and not above 0.5 %
        (period(errors=90), ["Error rate"]),
        (period(errors=9, many=600), ["Error rate"]),
    ],
)
def test_a_regression_is_what_is_beyond_noise_and_margin(now: Period, wrong: list[str]) -> None:
    result = compare(now, BEFORE)
    assert [each.name for each in result.evidence if each.ok is False] == wrong
    assert (result.success, bool(result.todo)) == (not wrong, bool(wrong))


def test_a_high_rate_of_errors_that_was_there_before_is_no_regression() -> None:
    assert compare(period(errors=300), period("before", errors=290)).success


def test_where_no_spread_is_kept_the_p95_is_left_open() -> None:
    bare = Period("before", 6_000, 20, BEFORE.means, [])
    told = {each.name: each.ok for each in compare(period(p95=9_000), bare).evidence}
    assert told["Response time, p95"] is None


@pytest.mark.parametrize(
    ("now", "before"),
    [(period(many=99), BEFORE), (period(), period("before", many=99)), (period(), None)],
)
def test_what_could_not_be_shown_has_failed(now: Period, before: Period | None) -> None:
    result = compare(now, before)
    assert not result.success
    assert result.todo


def test_noise_seldom_raises_an_alarm() -> None:
    dice = random.Random(7)
    alarms = 0
    for _ in range(300):
        days = [[dice.lognormvariate(5.5, 0.4) for _ in range(60)] for _ in range(2)]
        errors = [sum(dice.random() < 0.006 for _ in range(1_000)) for _ in range(2)]
        alarms += mean_is_higher(days[0], days[1], 1.2) < ALPHA
        alarms += share_is_higher(errors[0], 1_000, errors[1], 1_000) < ALPHA
    assert alarms <= 9


def test_findings_become_a_result() -> None:
    found = Findings()
    found.tell("a", "1")
    found.judge("b", "2", ok=True, todo="nothing")
    assert (found.result("good", "{} bad").summary, found.todo) == ("good", [])
    found.judge("c", "3", ok=False, todo="mend it")
    found.judge("d", "4", ok=False, todo="mend it")
    assert (found.result("good", "{} bad").summary, found.todo) == ("2 things are bad", ["mend it"])
    assert few([str(number) for number in range(12)]).endswith("9 and 2 more")
    passed: dict[str, Any] = {check.value: {"success": True} for check in Check}
    assert overall(passed)
    assert not overall({**passed, Check.HEALTH: {"success": False}})
    assert not overall({Check.HEALTH: {"success": True}})
    assert overall({**passed, Check.ATOMIC: {"success": None}})
    assert failures({**passed, Check.HEALTH: {"success": False}, Check.ATOMIC: {"success": None}}) == [Check.HEALTH]
