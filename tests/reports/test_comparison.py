"""How sure a difference is, and where a figure changed: held against the book and against chance."""

from __future__ import annotations

import random
from itertools import pairwise
from math import isfinite

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import t as student

from reports.domain.changes import changes
from reports.domain.comparison import Day, Estimate, Kind, T, difference, estimate
from reports.domain.sentences import figure, listed

DAY = st.builds(lambda part, of: Day(min(part, of), of, of), st.floats(0, 1e6), st.floats(1, 1e6))
DAYS = st.lists(DAY, min_size=2, max_size=31)


def known(days: list[Day], kind: Kind = Kind.SHARE) -> Estimate:
    found = estimate(days, kind)
    assert found is not None
    return found


def test_the_table_of_t_is_the_one_of_the_book() -> None:
    assert [pytest.approx(student.ppf(0.975, freedom), abs=6e-4) for freedom in range(1, 31)] == list(T)


@given(now=DAYS, then=DAYS, kind=st.sampled_from(Kind))
def test_an_interval_holds_its_difference_and_turns_with_the_order(now: list[Day], then: list[Day], kind: Kind) -> None:
    one, two = known(now, kind), known(then, kind)
    found, turned = difference(one, two), difference(two, one)
    assert found.low is not None
    assert found.high is not None
    assert isfinite(found.high)
    assert found.low <= found.by <= found.high
    assert (turned.by, turned.low, turned.high) == pytest.approx((-found.by, -found.high, -found.low))


@given(days=DAYS, kind=st.sampled_from(Kind))
def test_the_same_days_never_differ_clearly_and_their_order_is_nothing(days: list[Day], kind: Kind) -> None:
    one, two = known(days, kind), known(days[::-1], kind)
    assert not difference(one, two).clear
    assert one.value == pytest.approx(two.value)


@pytest.mark.parametrize("days", [[], [None, None], [Day(0, 0, 0)], [Day(float("nan"), 1, 1)]])
def test_nothing_measured_is_no_figure(days: list[Day | None]) -> None:
    assert estimate(days, Kind.SHARE) is None


def test_one_day_alone_has_no_interval_and_no_error_at_all_is_no_certainty() -> None:
    single, perfect = known([Day(1, 100, 100)]), known([Day(0, 100, 100)] * 7)
    one_each = known([Day(1, 100, 100)] * 7)
    assert difference(single, perfect).low is None
    assert not difference(one_each, perfect).clear


def test_of_two_alike_weeks_whose_days_differ_few_look_different() -> None:
    """Days of a rate between 0.5 and 1.5 %: by the number of melts alone nearly every week would be 'different'."""
    chance, clear = random.Random(7), 0
    for _ in range(400):
        weeks = [[Day(1e5 * chance.uniform(0.005, 0.015), 1e5, 1e5) for _ in range(7)] for _ in range(2)]
        one, two = (known(week) for week in weeks)
        clear += difference(one, two).clear
    assert clear <= 400 * 0.08


def test_noise_seldom_has_a_change_and_a_step_is_found_where_it_is() -> None:
    chance = random.Random(11)
    alarms = sum(bool(changes([chance.gauss(0, 1) for _ in range(28)])) for _ in range(500))
    assert alarms <= 500 * 0.03
    step = [chance.gauss(3 if number >= 17 else 0, 1) for number in range(28)]
    (found,) = changes(step)
    assert abs(found.at - 17) <= 1


@given(values=st.lists(st.floats(-1e6, 1e6), max_size=60))
def test_changes_come_in_order_with_room_between_and_a_line_has_none(values: list[float]) -> None:
    places = [0, *(change.at for change in changes(values)), len(values)]
    if len(places) > 2:
        assert all(later - earlier >= 5 for earlier, later in pairwise(places))
    assert changes([7.0] * len(values)) == []


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0, "0"),
        (0.04213, "0.0421"),
        (12.345, "12.3"),
        (1250.4, "1,250"),
        (99.009, "99.01"),
        (99.9996, "99.9996"),
        (100, "100"),
    ],
)
def test_figures_have_as_many_digits_as_matter_and_nothing_is_rounded_up_to_all(value: float, said: str) -> None:
    assert figure(value) == said


def test_lists_read_as_sentences() -> None:
    assert [listed(words) for words in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == ["", "a", "a and b", "a, b and c"]
