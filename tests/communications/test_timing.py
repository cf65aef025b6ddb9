"""When somebody is told."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from communications.domain.audiences import Frequency
from communications.domain.timing import LONGEST_PAUSE, MEMORY, Habits, Wait, pause, quiet_until, wait

NOW = datetime(2026, 3, 2, 9, 20, tzinfo=UTC)
NOTHING = {"same": (), "lately": 0, "held": None, "now": NOW}
NIGHT = (time(22), time(7))
AT_ONCE = Habits(Frequency.REAL_TIME)


def at(text: str, zone: str = "Europe/Berlin") -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2026-03-02T21:59:59", None),
        ("2026-03-02T22:00", "2026-03-03T07:00"),
        ("2026-03-03T02:00", "2026-03-03T07:00"),
        ("2026-03-03T06:59:59", "2026-03-03T07:00"),
        ("2026-03-03T07:00", None),
        ("2026-03-28T23:00", "2026-03-29T07:00"),  # the night is an hour shorter
        ("2026-10-24T23:00", "2026-10-25T07:00"),  # and one an hour longer
    ],
)
def test_quiet_hours_are_local_times_over_midnight_and_over_a_change_of_the_clocks(now: str, until: str | None) -> None:
    found = quiet_until(*NIGHT, zone="Europe/Berlin", now=at(now))
    assert found == (at(until) if until else None)


def test_quiet_hours_by_day_end_on_the_same_day() -> None:
    assert quiet_until(time(12), time(13), zone="UTC", now=at("2026-03-02T12:30", "UTC")) == at(
        "2026-03-02T13:00", "UTC"
    )
    assert quiet_until(time(12), time(12), zone="UTC", now=NOW) is None


@given(st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)), st.times(), st.times())
def test_when_quiet_hours_are_over_they_are_over(now: datetime, begins: time, ends: time) -> None:
    until = quiet_until(begins, ends, zone="UTC", now=now)
    if until is not None:
        assert now < until <= now + timedelta(days=1)
        assert until.time() == ends
        assert quiet_until(begins, ends, zone="UTC", now=until) is None


def test_level_3_knows_no_quiet_hours_and_no_full_hour() -> None:
    asleep = Habits(Frequency.HOURLY, quiet=(time(0), time(23, 59)))
    assert wait(asleep, urgent=True, single=True, **NOTHING) is None
    assert wait(asleep, urgent=False, single=True, **NOTHING) == Wait(
        datetime(2026, 3, 2, 10, tzinfo=UTC), "told at the full hour"
    )


def test_the_full_hour_of_a_full_hour_is_the_next_one() -> None:
    full = NOW.replace(minute=0)
    held = wait(Habits(Frequency.HOURLY), urgent=False, single=False, **{**NOTHING, "now": full})
    assert held == Wait(full + timedelta(hours=1), "told at the full hour")


def test_a_flap_of_an_hour_is_told_less_and_less_often() -> None:
    """It changes every 10 seconds, and what is held is told as one when its time has come."""
    told: list[datetime] = []
    held: datetime | None = None
    for second in range(0, 3600, 10):
        now = NOW + timedelta(seconds=second)
        if held is not None and held <= now:
            told.append(held)
            held = None
        same = [moment for moment in told if moment > now - MEMORY]
        found = wait(AT_ONCE, urgent=False, single=False, same=same, lately=0, held=held, now=now)
        if found is None:
            told.append(now)
        else:
            held = min(held or found.until, found.until)
    assert 5 <= len(told) <= 8
    assert told[0] == NOW


def test_a_burst_is_cut_after_its_first_messages_and_what_follows_joins_what_is_held() -> None:
    assert wait(AT_ONCE, urgent=True, single=False, **{**NOTHING, "lately": 4}) is None
    first = wait(AT_ONCE, urgent=True, single=False, **{**NOTHING, "lately": 5})
    assert first == Wait(NOW + timedelta(minutes=1), "more than 5 a minute")
    later = {**NOTHING, "lately": 5, "held": first.until, "now": NOW + timedelta(seconds=30)}
    assert wait(AT_ONCE, urgent=True, single=False, **later) == first
    assert wait(Habits(Frequency.REAL_TIME, burst=0), urgent=False, single=False, **{**NOTHING, "lately": 99}) is None


def test_an_incident_and_a_call_are_told_on_their_own_however_many_there_are() -> None:
    assert wait(AT_ONCE, urgent=False, single=True, same=[NOW], lately=99, held=NOW, now=NOW) is None


@given(st.integers(1, 10_000))
def test_the_pause_grows_and_ends_at_a_quarter_of_an_hour(told: int) -> None:
    assert timedelta(minutes=1) <= pause(told) <= pause(told + 1) <= LONGEST_PAUSE
