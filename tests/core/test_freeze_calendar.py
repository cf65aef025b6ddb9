"""When a freeze holds: rules, zones, changes of the clocks, and what cannot be a freeze."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core.calendar import LONGEST, Timetable, read
from core.errors import Invalid

BERLIN = "Europe/Berlin"
HOUR = 3600
DAY = 24 * HOUR
PAYDAY = "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1"


def table(start: str, *, zone: str = BERLIN, seconds: int = HOUR, rule: str = "", but_not: list[str] | None = None):
    return read(start=start, zone=zone, seconds=seconds, recurrence=rule, but_not=but_not or [])


def starts(timetable: Timetable, since: str, most: int) -> list[str]:
    return [f"{each.starts_at:%Y-%m-%d %H:%M %Z}" for each in timetable.after(datetime.fromisoformat(since), most)]


def test_a_freeze_once_holds_from_its_start_to_just_before_its_end():
    once = table("2025-08-29T18:00")
    start = datetime(2025, 8, 29, 18, tzinfo=ZoneInfo(BERLIN))

    assert once.at(start - timedelta(microseconds=1)) is None
    assert once.at(start) == once.at(start + timedelta(minutes=59, seconds=59))
    assert once.at(start + timedelta(hours=1)) is None
    assert once.after(start) == []


def test_local_time_stays_over_a_change_of_the_clocks():
    weekly = table("2025-10-17T18:00", rule="FREQ=WEEKLY;BYDAY=FR")
    assert starts(weekly, "2025-10-17T20:00+00:00", 3) == [
        "2025-10-24 18:00 CEST",
        "2025-10-31 18:00 CET",
        "2025-11-07 18:00 CET",
    ]


def test_a_start_that_the_clocks_skip_moves_forward_and_is_told():
    night = table("2026-03-28T02:30", rule="FREQ=DAILY;COUNT=3")
    found = night.after(datetime(2026, 3, 28, 12, tzinfo=UTC), 2)

    assert [f"{each.starts_at:%d %H:%M %Z}" for each in found] == ["29 03:30 CEST", "30 02:30 CEST"]
    assert found[0].moved == "The clocks skip 02:30 on 2026-03-29: it is 03:30."
    assert found[1].moved == ""


def test_of_a_start_that_the_clocks_show_twice_the_first_is_meant():
    (found,) = table("2025-10-26T02:30").after(datetime(2025, 10, 25, tzinfo=UTC))
    assert found.starts_at.astimezone(UTC) == datetime(2025, 10, 26, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("day", "seconds", "real_hours"),
    [
        ("2025-10-26", DAY, 25),
        ("2026-03-29", DAY, 23),
        ("2025-10-25", 2 * DAY + HOUR, 50),
        ("2025-10-26", 12 * HOUR, 12),  # hours are exact
    ],
)
def test_days_are_of_the_calendar_and_hours_are_exact(day: str, seconds: int, real_hours: int):
    (found,) = table(f"{day}T00:00", seconds=seconds).after(datetime(2025, 1, 1, tzinfo=UTC))
    assert found.ends_at.astimezone(UTC) - found.starts_at.astimezone(UTC) == timedelta(hours=real_hours)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (PAYDAY, ["2025-08-29", "2025-09-30", "2025-10-31", "2025-11-28"]),
        ("FREQ=MONTHLY;BYMONTHDAY=-1", ["2025-08-31", "2025-09-30", "2025-10-31", "2025-11-30"]),
        ("FREQ=MONTHLY;BYMONTHDAY=31", ["2025-08-31", "2025-10-31", "2025-12-31", "2026-01-31"]),
        ("FREQ=MONTHLY;BYMONTHDAY=1,15", ["2025-08-01", "2025-08-15", "2025-09-01", "2025-09-15"]),
        ("FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=24", ["2025-12-24", "2026-12-24", "2027-12-24", "2028-12-24"]),
        ("FREQ=YEARLY;BYMONTH=11;BYDAY=4TH", ["2025-11-27", "2026-11-26", "2027-11-25", "2028-11-23"]),
        ("rrule:freq=weekly; byday=mo", ["2025-08-04", "2025-08-11", "2025-08-18", "2025-08-25"]),
        ("FREQ=DAILY;UNTIL=20250803", ["2025-08-01", "2025-08-02", "2025-08-03"]),
        ("FREQ=DAILY;UNTIL=20250802T220000Z", ["2025-08-01", "2025-08-02"]),
        ("FREQ=DAILY;COUNT=2", ["2025-08-01", "2025-08-02"]),
    ],
)
def test_rules(rule: str, expected: list[str]):
    found = table("2025-08-01T18:00", rule=rule)
    assert [text[:10] for text in starts(found, "2025-07-01T00:00+00:00", 4)] == expected


def test_no_occurrence_starts_on_a_day_that_is_left_out():
    holidays = table("2025-12-22T09:00", rule="FREQ=DAILY;COUNT=5", but_not=["2025-12-24", "2025-12-25"])
    found = starts(holidays, "2025-12-01T00:00+00:00", 9)
    assert [text[8:10] for text in found] == ["22", "23", "26"]


@pytest.mark.parametrize(
    ("wrong", "field", "tells"),
    [
        ({"recurrence": "every friday"}, "recurrence", "is no part of a rule. Write it like FREQ=WEEKLY;BYDAY=FR."),
        ({"recurrence": "FREQ=SECONDLY"}, "recurrence", "recurs DAILY, WEEKLY, MONTHLY or YEARLY"),
        ({"recurrence": "FREQ=HOURLY;INTERVAL=3"}, "recurrence", "FREQ=HOURLY cannot be used"),
        ({"recurrence": "BYDAY=MO"}, "recurrence", "does not say how often"),
        ({"recurrence": "FREQ=DAILY;BYHOUR=3,4"}, "recurrence", "the time of day is that of the start"),
        ({"recurrence": "FREQ=DAILY;FREQ=WEEKLY"}, "recurrence", "FREQ stands in the rule twice"),
        ({"recurrence": "FREQ=DAILY;BYEASTER=0"}, "recurrence", "BYEASTER=0 is not known"),
        ({"recurrence": "FREQ=MONTHLY;BYMONTHDAY=32"}, "recurrence", "BYMONTHDAY=32: it must be a whole number from 1"),
        ({"recurrence": "FREQ=MONTHLY;BYDAY=FRI"}, "recurrence", "BYDAY=FRI is no day"),
        ({"recurrence": "FREQ=WEEKLY;BYDAY=1FR"}, "recurrence", "belongs to FREQ=MONTHLY or YEARLY"),
        ({"recurrence": "FREQ=YEARLY;BYMONTH=3;BYDAY=53MO"}, "recurrence", "BYDAY=53: it must be"),
        ({"recurrence": "FREQ=DAILY;COUNT=2;UNTIL=20260101"}, "recurrence", "COUNT or UNTIL, not both"),
        ({"recurrence": "FREQ=DAILY;COUNT=1001"}, "recurrence", "from 1 to 1000"),
        ({"recurrence": "FREQ=DAILY;UNTIL=20261399"}, "recurrence", "UNTIL=20261399 is no date"),
        ({"recurrence": "FREQ=DAILY;BYSETPOS=1"}, "recurrence", "BYSETPOS chooses among other days"),
        ({"recurrence": "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30"}, "recurrence", "days that never come"),
        ({"recurrence": "FREQ=DAILY;UNTIL=20240101"}, "recurrence", "no day is left"),
        ({"recurrence": "FREQ=DAILY;COUNT=1", "but_not": ["2025-08-29"]}, "recurrence", "no day is left"),
        (
            {"recurrence": "FREQ=DAILY", "seconds": DAY + 60},
            "duration",
            "lasts until 2025-08-30 18:01, and the next one",
        ),
        ({"zone": "Europe/Bielefeld"}, "zone", "There is no time zone 'Europe/Bielefeld'"),
        ({"zone": "../../etc/passwd"}, "zone", "There is no time zone"),
        ({"seconds": 59}, "duration", "1 minute to 31 days"),
        ({"seconds": 31 * DAY + 1}, "duration", "1 minute to 31 days"),
        ({"start": "soon"}, "starts_at", "'soon' is no date and time"),
        ({"start": "2025-08-29T18:00+02:00"}, "starts_at", "without an offset"),
        ({"start": "1999-08-29T18:00"}, "starts_at", "between 2000 and 2199"),
        ({"but_not": ["christmas"]}, "but_not", "'christmas' is no date"),
    ],
)
def test_what_cannot_be_a_freeze_says_why(wrong: dict, field: str, tells: str):
    good = {"start": "2025-08-29T18:00", "zone": BERLIN, "seconds": HOUR}
    with pytest.raises(Invalid) as refusal:
        read(**good | wrong)
    assert refusal.value.field == field
    assert tells in str(refusal.value)


def test_a_daily_freeze_of_a_whole_day_follows_on_itself_without_overlap():
    always = table("2025-10-20T00:00", seconds=DAY, rule="FREQ=DAILY")
    for hours in range(24 * 14):
        at = datetime(2025, 10, 20, tzinfo=UTC) + timedelta(hours=hours)
        assert always.at(at) is not None


numbers = st.integers(-40, 400).map(str)
parts = st.one_of(
    st.sampled_from(["FREQ=DAILY", "FREQ=WEEKLY", "FREQ=MONTHLY", "FREQ=YEARLY", "WKST=SU", "UNTIL=20260101", "X=1"]),
    st.tuples(
        st.sampled_from(["BYMONTH", "BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYSETPOS", "INTERVAL", "COUNT"]), numbers
    ).map("=".join),
    st.tuples(st.sampled_from(["", "1", "-1", "5", "-5", "53", "-53"]), st.sampled_from(["MO", "FR", "SU", "XX"]))
    .map("".join)
    .map("BYDAY={}".format),
)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(parts, min_size=1, max_size=5, unique_by=lambda part: part.partition("=")[0]),
    st.dates(date(2024, 1, 1), date(2027, 1, 1)),
)
@example(["FREQ=DAILY", "BYMONTH=2", "BYMONTHDAY=30"], date(2025, 1, 1))
@example(["FREQ=YEARLY", "BYDAY=-53MO", "INTERVAL=366"], date(2199, 12, 31))
def test_any_rule_is_either_refused_in_words_or_can_be_asked(rule: list[str], day: date):
    with suppress(Invalid):
        found = table(f"{day}T12:00", rule=";".join(rule))
        occurrences = found.after(datetime(2025, 1, 1, tzinfo=UTC), 3)
        assert occurrences == sorted(occurrences, key=lambda each: each.starts_at)


zones = st.sampled_from(["UTC", BERLIN, "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia"])
rules = st.sampled_from(
    ["", "FREQ=DAILY", "FREQ=DAILY;INTERVAL=3", "FREQ=WEEKLY;BYDAY=MO,FR", PAYDAY, "FREQ=MONTHLY;BYMONTHDAY=-1"]
)
moments = st.datetimes(datetime(2025, 2, 1), datetime(2026, 12, 1), timezones=st.just(UTC))
begins = st.datetimes(datetime(2025, 1, 1), datetime(2026, 6, 1)).map(lambda at: at.replace(second=0, microsecond=0))


@settings(max_examples=150, deadline=None)
@given(begins, zones, st.integers(60, DAY // 2), rules, moments)
def test_it_holds_now_exactly_when_now_is_in_an_occurrence(begin, zone, seconds, rule, now):
    found = read(start=begin.isoformat(), zone=zone, seconds=seconds, recurrence=rule)
    all_of_them = list(found.between(datetime(2024, 12, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)))

    assert [found.at(now)] == ([each for each in all_of_them if each.holds(now)] or [None])
    for each in all_of_them[:3]:
        assert found.at(each.starts_at) == each
        assert found.at(each.ends_at) != each
    assert all(each.ends_at - each.starts_at <= LONGEST for each in all_of_them)


@settings(max_examples=60, deadline=None)
@given(begins, zones, rules.filter(bool), st.integers(0, 3000))
def test_an_old_rule_says_the_same_as_one_counted_from_its_birth(begin, zone, rule, days):
    found = read(start=begin.isoformat(), zone=zone, seconds=HOUR, recurrence=rule)
    since = begin.replace(tzinfo=UTC) + timedelta(days=days)
    whole = list(found.between(datetime(2024, 1, 1, tzinfo=UTC), since + timedelta(days=90)))
    assert list(found.between(since, since + timedelta(days=90))) == [each for each in whole if each.ends_at > since]
