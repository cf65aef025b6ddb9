"""A recurrence in words and back, and how a month is laid out."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import month
from core.calendar import read
from core.errors import Invalid
from core.month import Month
from core.recurrence import DAYS
from core.repeating import Choice, Repeat, chosen, compose, words

FRIDAY = datetime(2025, 8, 29, 18)


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("", "once, on 2025-08-29"),
        ("FREQ=DAILY", "every day"),
        ("FREQ=WEEKLY", "every Friday"),
        ("FREQ=WEEKLY;BYDAY=MO,WE,FR", "every Monday, Wednesday and Friday"),
        ("FREQ=MONTHLY;BYMONTHDAY=1,22,-1", "every month on the 1st, the 22nd and the last day"),
        ("FREQ=MONTHLY;BYMONTHDAY=11,-2", "every month on the 11th and the 2nd last day"),
        ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", "on the last working day (Monday to Friday) of every month"),
        ("FREQ=YEARLY;BYMONTH=8;BYMONTHDAY=29", "every year on 29 August"),
        ("FREQ=WEEKLY;BYDAY=FR;UNTIL=20251231", "every Friday until 2025-12-31"),
        ("FREQ=MONTHLY;BYDAY=-1FR", "FREQ=MONTHLY;BYDAY=-1FR"),
    ],
)
def test_a_rule_is_told_in_words(rule: str, said: str) -> None:
    assert words(rule, FRIDAY) == said


choices = st.builds(
    Choice,
    repeat=st.sampled_from([each for each in Repeat if each is not Repeat.RULE]),
    days=st.lists(st.sampled_from(DAYS), unique=True),
    month_days=st.lists(st.integers(-31, 31).filter(bool).map(str), max_size=3).map(", ".join),
    until=st.none() | st.dates(date(2026, 1, 1), date(2030, 1, 1)),
)


@given(choices, st.datetimes(datetime(2025, 1, 1), datetime(2025, 12, 31)))
def test_what_is_chosen_comes_back_when_the_form_is_opened_again(choice: Choice, start: datetime) -> None:
    rule = compose(choice, start)
    again = chosen(rule, start)
    assert compose(again, start) == rule
    assert again.repeat is choice.repeat
    start = start.replace(microsecond=0)
    table = read(start=start.isoformat(), zone="UTC", seconds=60, recurrence=rule)
    assert table.recurrence == rule


def test_what_lasts_is_cut_at_the_end_of_each_week_and_laid_in_the_first_free_row() -> None:
    days = [(date(2025, 8, 29), date(2025, 9, 2), "long"), (date(2025, 8, 30), date(2025, 8, 30), "short")]
    week = month.weeks(Month(2025, 8), days)[-1]
    assert [(bar.thing, bar.column, bar.width, bar.lane) for bar in week.bars] == [
        ("long", 5, 3, 1),
        ("short", 6, 1, 2),
    ]
    assert (week.bars[0].begins, week.bars[0].ends, week.lanes) == (True, False, 2)
    (rest, *_) = month.weeks(Month(2025, 9), days)
    assert [(bar.column, bar.width, bar.begins, bar.ends) for bar in rest.bars] == [(1, 2, False, True)]


@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 12)), max_size=30),
    st.integers(1, 12),
)
def test_bars_never_lie_on_each_other_and_none_is_lost(spans: list[tuple[int, int]], number: int) -> None:
    start = date(2025, number, 1) - timedelta(days=15)
    things = [
        (start + timedelta(days=first), start + timedelta(days=first + length), index)
        for index, (first, length) in enumerate(spans)
    ]
    shown = Month(2025, number)
    for week in month.weeks(shown, things):
        taken = [(bar.lane, bar.column + day) for bar in week.bars for day in range(bar.width)]
        assert len(taken) == len(set(taken))
        touching = {index for first, last, index in things if first <= week.days[-1] and last >= week.days[0]}
        assert {bar.thing for bar in week.bars} == touching


def test_months_go_on_over_the_turn_of_the_year() -> None:
    assert str(Month(2025, 12).moved(1)) == "2026-01"
    assert str(Month(2025, 1).moved(-1)) == "2024-12"
    for wrong in ("", "2025", "2025-13", "9999-12", "soon"):
        with pytest.raises(Invalid):
            month.read(wrong)
