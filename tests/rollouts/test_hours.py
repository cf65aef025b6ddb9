"""The hours in which steps are taken, without a database: zones, clock changes, nights, and days that do not come."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import Invalid
from rollouts.domain.hours import DAYS, Hours, read, stored
from rollouts.domain.schedule import due_times

ZONES = [
    "Europe/Zurich",
    "America/New_York",
    "America/Sao_Paulo",
    "America/Havana",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
]
OFFICE = {"from": "09:00", "to": "17:00", "zone": "Europe/Zurich"}
MINUTES = st.integers(0, 24 * 60 - 1).map(lambda minute: time(minute // 60, minute % 60))
HOURS = st.builds(
    Hours, MINUTES, MINUTES, st.frozensets(st.integers(0, 6), min_size=1), st.sampled_from(ZONES).map(ZoneInfo)
)
MOMENTS = st.datetimes(datetime(2017, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC))


def hours(**over: Any) -> Hours:
    found = read({**OFFICE, **over}, zone="UTC")
    assert found is not None
    return found


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def on_the_wall(hours: Hours, moment: datetime) -> bool:
    """What somebody with a clock and a calendar on the wall would say."""
    local = moment.astimezone(hours.zone)
    now, today, yesterday = local.time(), local.weekday(), (local.weekday() - 1) % 7
    if hours.opens < hours.closes:
        return today in hours.days and hours.opens <= now < hours.closes
    return (today in hours.days and now >= hours.opens) or (yesterday in hours.days and now < hours.closes)


def changes_near(zone: ZoneInfo, moment: datetime) -> bool:
    """Whether the clocks of the zone change within two days."""
    around = [moment + timedelta(hours=n) for n in range(-48, 49, 12)]
    return len({each.astimezone(zone).utcoffset() for each in around}) > 1


@settings(max_examples=300)
@given(HOURS, MOMENTS)
def test_where_no_clock_changes_the_hours_are_those_on_the_wall(hours: Hours, moment: datetime) -> None:
    if not changes_near(hours.zone, moment):
        assert (hours.next(moment) == moment) is on_the_wall(hours, moment)


@settings(max_examples=300)
@given(HOURS, MOMENTS, st.floats(0, 0.999))
def test_the_next_time_is_the_first_one_and_not_in_the_past(hours: Hours, moment: datetime, part: float) -> None:
    then = hours.next(moment)
    assert then >= moment
    assert hours.next(then) == then
    assert hours.next(moment + (then - moment) * part) == then or then == moment
    assert then - moment <= timedelta(days=15)
    assert bool(hours.why_not(moment)) is (then != moment)


@settings(max_examples=200)
@given(HOURS, MOMENTS, st.lists(st.integers(1, 8 * 86_400), max_size=6))
def test_steps_are_planned_in_the_hours_and_never_closer_than_their_gaps(
    hours: Hours, first: datetime, gaps: list[int]
) -> None:
    times = due_times([0, *gaps], first=first, hours=hours)
    assert all(hours.next(each) == each for each in times)
    assert all((b - a).total_seconds() >= gap for (a, b), gap in zip(pairwise(times), gaps, strict=True))


@given(HOURS)
def test_hours_are_the_same_after_they_were_stored(hours: Hours) -> None:
    assert read(hours.to_dict(), zone="UTC") == stored(hours.to_dict()) == hours


@pytest.mark.parametrize(
    ("over", "now", "then"),
    [
        ({}, "2025-08-08T16:59:59+02:00", "2025-08-08T16:59:59+02:00"),
        ({}, "2025-08-08T17:00:00+02:00", "2025-08-11T09:00:00+02:00"),  # Friday evening: Monday
        ({"days": ["sat"]}, "2025-08-09T17:00:00+02:00", "2025-08-16T09:00:00+02:00"),
        # Over midnight: the hours belong to the day on which they begin.
        ({"from": "22:00", "to": "06:00", "days": ["fri"]}, "2025-08-09T05:59:00+02:00", "2025-08-09T05:59:00+02:00"),
        ({"from": "22:00", "to": "06:00", "days": ["fri"]}, "2025-08-08T05:59:00+02:00", "2025-08-08T22:00:00+02:00"),
        ({"from": "00:00", "to": "00:00", "days": ["fri"]}, "2025-08-08T23:59:00+02:00", "2025-08-08T23:59:00+02:00"),
        ({"from": "00:00", "to": "00:00", "days": ["fri"]}, "2025-08-09T00:00:00+02:00", "2025-08-15T00:00:00+02:00"),
        # 30 March 2025: the clocks go from 02:00 to 03:00.
        ({"from": "02:30", "to": "05:00", "days": ["sun"]}, "2025-03-30T01:00:00+01:00", "2025-03-30T03:30:00+02:00"),
        ({"from": "02:30", "to": "03:15", "days": ["sun"]}, "2025-03-30T01:00:00+01:00", "2025-04-06T02:30:00+02:00"),
        ({"from": "22:00", "to": "02:30", "days": ["sat"]}, "2025-03-30T03:29:00+02:00", "2025-03-30T03:29:00+02:00"),
        # 26 October 2025: they show 02:00 to 03:00 twice; the first is meant.
        ({"from": "02:30", "to": "05:00", "days": ["sun"]}, "2025-10-26T02:10:00+02:00", "2025-10-26T02:30:00+02:00"),
        ({"from": "02:30", "to": "05:00", "days": ["sun"]}, "2025-10-26T02:10:00+01:00", "2025-10-26T02:10:00+01:00"),
        ({"from": "22:00", "to": "02:30", "days": ["sat"]}, "2025-10-26T02:10:00+01:00", "2025-11-01T22:00:00+01:00"),
        # Samoa left out Friday, 30 December 2011.
        ({"days": ["fri"], "zone": "Pacific/Apia"}, "2011-12-29T12:00:00-10:00", "2012-01-06T09:00:00+14:00"),
    ],
)
def test_nights_clock_changes_and_lost_days(over: dict[str, Any], now: str, then: str) -> None:
    assert hours(**over).next(at(now)) == at(then)


@pytest.mark.parametrize(
    ("over", "words"),
    [
        ({}, "Monday to Friday 09:00 to 17:00 (Europe/Zurich)"),
        ({"days": ["mon", "wed", "fri"]}, "Monday, Wednesday and Friday 09:00"),
        ({"days": ["sat", "sun"]}, "Saturday and Sunday 09:00"),
        ({"days": list(DAYS), "to": "09:00"}, "every day all day (Europe/Zurich)"),
        ({"days": ["fri"], "from": "22:00", "to": "06:00"}, "Friday 22:00 to 06:00 on the next day (Europe/Zurich)"),
    ],
)
def test_hours_are_told_in_words(over: dict[str, Any], words: str) -> None:
    assert words in str(hours(**over))


def test_the_wait_says_until_when() -> None:
    assert hours().why_not(at("2025-08-09T12:00:00Z")) == (
        "Steps are taken Monday to Friday 09:00 to 17:00 (Europe/Zurich): the next time is Mon 11 Aug 2025 09:00 CEST."
    )


@pytest.mark.parametrize(
    ("over", "words"),
    [
        ({"from": "9:00"}, "`from` is a time of day like 09:00"),
        ({"to": "24:00"}, "`to` is a time of day"),
        ({"to": None}, "`to` is a time of day"),
        ({"from": 540}, "`from` is a time of day"),
        ({"days": []}, "`days` names one or more of mon, tue"),
        ({"days": ["monday"]}, "not ['monday']"),
        ({"days": "mon"}, "not 'mon'"),
        ({"zone": "Mars/Olympus"}, "There is no time zone 'Mars/Olympus'"),
        ({"until": "17:00"}, "'until' is not known"),
    ],
)
def test_hours_that_cannot_be_are_refused(over: dict[str, Any], words: str) -> None:
    with pytest.raises(Invalid) as refused:
        hours(**over)
    assert words in str(refused.value)


def test_hours_without_a_zone_are_those_of_the_place_and_none_are_any_time() -> None:
    found = read({"from": "09:00", "to": "17:00"}, zone="Asia/Kathmandu")
    assert found is not None
    assert (found.zone.key, found.days) == ("Asia/Kathmandu", frozenset(range(5)))
    assert found.next(datetime.combine(date(2025, 8, 11), time(), UTC)) == at("2025-08-11T09:00:00+05:45")
    assert read({}, zone="UTC") is None
