"""Times as people set them, over changes of the clocks; and the clock that applies at these times."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from approvals import selectors, tasks
from approvals.domain.schedule import resolve
from approvals.models import ChangeRequest
from approvals.services import applying, clock, requests
from core import events, freezing, heartbeats
from core.errors import Conflict, Invalid
from core.freezes import FrozenError
from core.freezing import Plan
from flags import selectors as flag_selectors
from tests.approvals.conftest import KEY, OLGA, Ask, approve

NOW = datetime(2025, 3, 1, tzinfo=UTC)
BERLIN = "Europe/Berlin"


@pytest.mark.parametrize(
    ("wanted", "zone", "at", "told"),
    [
        ("2025-07-01T09:00", BERLIN, "2025-07-01T07:00+00:00", "2025-07-01 09:00 CEST (Europe/Berlin)"),
        ("2025-12-01T09:00", BERLIN, "2025-12-01T08:00+00:00", "2025-12-01 09:00 CET (Europe/Berlin)"),
        ("2025-12-01T09:00", "", "2025-12-01T09:00+00:00", "2025-12-01 09:00 UTC (UTC)"),
        ("2025-12-01T09:00+05:00", BERLIN, "2025-12-01T04:00+00:00", "2025-12-01 05:00 CET (Europe/Berlin)"),
        (
            "2025-10-26T02:30",
            BERLIN,
            "2025-10-26T00:30+00:00",
            "2025-10-26 02:30 CEST (Europe/Berlin), the first of the two times of that name: the clocks go back then",
        ),
        (
            "2025-10-26T02:30+01:00",
            BERLIN,
            "2025-10-26T01:30+00:00",
            "2025-10-26 02:30 CET (Europe/Berlin), the second of the two times of that name: the clocks go back then",
        ),
    ],
)
def test_a_time_is_read_in_its_zone(wanted: str, zone: str, at: str, told: str) -> None:
    moment = resolve(datetime.fromisoformat(wanted), zone, now=NOW)
    assert (moment.at.isoformat(timespec="minutes"), moment.told) == (at, told)


@pytest.mark.parametrize(
    ("wanted", "zone", "words"),
    [
        ("2025-03-30T02:30", BERLIN, "2025-03-30 02:30 does not exist in Europe/Berlin: .* Choose .*, or 03:30"),
        ("2025-07-01T09:00", "Berlin", "no time zone 'Berlin': write an IANA name"),
        ("2025-07-01T09:00", "../../etc/passwd", "no time zone"),
        ("2025-02-28T23:00", "", "a time to come"),
        ("2025-03-01T00:30", BERLIN, "a time to come"),
        ("2026-03-03T00:00", "", "at most 366 days"),
    ],
)
def test_a_time_that_cannot_be_is_refused(wanted: str, zone: str, words: str) -> None:
    with pytest.raises(Invalid, match=words):
        resolve(datetime.fromisoformat(wanted), zone, now=NOW)


@given(st.datetimes(datetime(2025, 3, 2), datetime(2026, 2, 20)), st.sampled_from([BERLIN, "America/New_York", "UTC"]))
def test_every_time_is_either_refused_or_shown_as_it_was_written(wanted: datetime, zone: str) -> None:
    wanted = wanted.replace(second=0, microsecond=0)
    there = wanted.replace(tzinfo=ZoneInfo(zone))
    if there.astimezone(UTC).astimezone(there.tzinfo).replace(tzinfo=None) == wanted:
        assert resolve(wanted, zone, now=NOW).told.startswith(f"{wanted:%Y-%m-%d %H:%M} ")
    else:
        with pytest.raises(Invalid, match="does not exist"):
            resolve(wanted, zone, now=NOW)


# --- the clock ---

HALF_PAST_ELEVEN = datetime(2025, 8, 11, 11, 30)  # in Berlin, half an hour after `now` of the tests


@pytest.fixture
def scheduled(ask: Ask, now: datetime) -> ChangeRequest:
    request = ask(apply_at=HALF_PAST_ELEVEN, zone=BERLIN)
    approve(request, now=now)
    return selectors.get(request.pk)


def percentage() -> int:
    return int(flag_selectors.state(KEY, "production").percentage)


@pytest.mark.django_db
def test_the_clock_applies_at_the_time_and_not_before(scheduled: ChangeRequest, now: datetime) -> None:
    due = now + timedelta(minutes=30)
    assert (scheduled.apply_at, scheduled.expires_at) == (due, due + timedelta(hours=72))
    assert clock.tick(due - timedelta(seconds=1)) == 0
    with pytest.raises(Conflict, match=r"approved for 2025-08-11 11:30 CEST .* Reschedule it"):
        applying.apply(scheduled.pk, actor=OLGA, now=now)
    assert percentage() == 0

    assert clock.tick(due + timedelta(hours=5)) == 1  # it was away in the meantime
    assert (percentage(), clock.tick(due + timedelta(hours=5))) == (50, 0)
    applied = events.about(f"request:{scheduled.pk}").filter(kind="request.applied").get()
    assert (applied.actor, applied.data["approved_by"]) == ("clock", ["anna"])


@pytest.mark.django_db
def test_a_new_time_voids_the_approvals(scheduled: ChangeRequest, now: datetime) -> None:
    told: dict[str, Any] = {"actor": OLGA, "now": now}
    again = requests.reschedule(
        scheduled.pk, apply_at=datetime(2025, 8, 12, 9), zone="UTC", version=scheduled.version, **told
    )
    assert (again.state, again.voided_reason) == ("open", "olga rescheduled the request.")
    assert clock.tick(now + timedelta(days=1)) == 0
    by_hand = requests.reschedule(scheduled.pk, apply_at=None, zone="", version=again.version, **told)
    assert (by_hand.apply_at, by_hand.zone) == (None, "")


@pytest.mark.django_db
def test_an_approved_request_without_a_time_waits_for_a_person(ask: Ask, now: datetime) -> None:
    approve(ask(), now=now)
    assert clock.tick(now + timedelta(hours=1)) == 0


@pytest.mark.django_db
@pytest.mark.parametrize("approved", [True, False])
def test_the_clock_closes_what_is_over(approved: bool, ask: Ask, now: datetime) -> None:
    request = ask()
    if approved:
        approve(request, now=now)
    clock.tick(now + timedelta(hours=72))
    closed = selectors.get(request.pk)
    assert (closed.state, closed.closed_by, percentage()) == ("expired", "clock", 0)
    assert closed.closed_reason == ("Nobody applied it in time." if approved else "It was not approved in time.")
    clock.tick(now + timedelta(hours=73))
    assert events.about(f"request:{request.pk}").filter(kind="request.expired").count() == 1


@pytest.mark.django_db
def test_one_request_that_fails_does_not_keep_the_others(ask: Ask, now: datetime) -> None:
    for _ in range(2):
        approve(ask(apply_at=HALF_PAST_ELEVEN, zone=BERLIN), now=now)
    broken = ChangeRequest.objects.earliest("pk")
    ChangeRequest.objects.filter(pk=broken.pk).update(base={"flag": {}})
    assert clock.tick(now + timedelta(hours=1)) == 1
    assert percentage() == 50


@pytest.mark.django_db
def test_a_request_is_asked_for_in_a_freeze_and_waits_for_its_end(ask: Ask, now: datetime) -> None:
    freeze = Plan("Pay day", "Everybody melts.", ["production"], "UTC", f"{now:%Y-%m-%dT%H:%M}", 6 * 3600)
    freezing.plan(freeze, actor=OLGA, now=now - timedelta(minutes=1))
    request = ask(apply_at=HALF_PAST_ELEVEN, zone=BERLIN)
    approve(request, now=now)
    during, after = now + timedelta(hours=1), now + timedelta(hours=6)
    for _ in range(2):
        assert clock.tick(during) == 0
    waiting = selectors.get(request.pk)
    assert (waiting.state, percentage()) == ("approved", 0)
    assert waiting.waiting_for.startswith("production is frozen until 2025-08-11 15:00 UTC (Pay day")
    with pytest.raises(FrozenError):
        applying.apply(request.pk, actor=OLGA, now=during)
    assert clock.tick(after) == 1
    assert (selectors.get(request.pk).waiting_for, percentage()) == ("", 50)


@pytest.mark.django_db
@pytest.mark.usefixtures("flag")
def test_the_task_looks_and_says_that_it_lives(now: datetime) -> None:
    with time_machine.travel(now, tick=False):
        tasks.tick()
    assert heartbeats.last()["requests"] == now
