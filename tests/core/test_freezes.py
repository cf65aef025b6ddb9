"""Freezes as services: planned, changed, ended, and let through."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from core import environments, events, freezes, freezing
from core.actors import Actor, ActorKind
from core.errors import Conflict, Invalid, NotFound, StaleVersion
from core.freezing import Plan
from core.models import Freeze, FreezeOverride
from tests.racing import at_once

pytestmark = pytest.mark.usefixtures("all_environments")
ADA = Actor("ada", ActorKind.PERSON)
HOUR = timedelta(hours=1)
MONDAYS = Plan(
    name="Monday freeze",
    reason="Settlement runs.",
    environments=["staging", "production"],
    zone="Europe/Berlin",
    starts_at="2025-08-11T10:00",
    duration=6 * 3600,
    recurrence="FREQ=WEEKLY;BYDAY=MO",
)  # 08:00 to 14:00 UTC on 11 August: the tests' `now` is 09:00 UTC


def plan(now: datetime, **over: object) -> Freeze:
    return freezing.plan(replace(MONDAYS, **over), actor=ADA, now=now)


def held(environment: str, now: datetime) -> str:
    frozen = freezes.holding(environments.get(environment).pk, now=now)
    return frozen.name if frozen else ""


def test_it_holds_in_its_environments_during_its_occurrences(now: datetime) -> None:
    plan(now)
    week = timedelta(weeks=1)
    for at, expected in [
        (now - 2 * HOUR, ""),
        (now, "Monday freeze"),
        (now + 5 * HOUR, ""),
        (now + week, "Monday freeze"),
        (now + 20 * week, "Monday freeze"),  # 10:00 in Berlin is 09:00 UTC in December
        (now + 20 * week - timedelta(seconds=1), ""),
    ]:
        assert held("production", at) == held("staging", at) == expected
        assert held("development", at) == ""
        everywhere = freezes.held_now(now=at)
        assert {each.name for each in everywhere.values()} == ({expected} if expected else set())


def test_of_two_that_hold_the_one_that_ends_last_is_told(now: datetime) -> None:
    plan(now)
    plan(now, name="Long weekend", starts_at="2025-08-08T18:00", duration=4 * 86400, recurrence="")
    frozen = freezes.holding(environments.get("production").pk, now=now)
    assert frozen is not None
    assert frozen.sentence == "Frozen until 2025-08-12 18:00 CEST (Long weekend): Settlement runs."


def test_holding_takes_two_queries_however_many_there_are(now: datetime, django_assert_num_queries) -> None:
    production = environments.get("production").pk
    with django_assert_num_queries(1):
        assert freezes.holding(production, now=now) is None
    for number in range(20):
        plan(now, name=f"Freeze {number}")
    with django_assert_num_queries(2):
        assert freezes.holding(production, now=now) is not None
    with django_assert_num_queries(3):
        assert len(freezes.held_now(now=now)) == 2


def test_planning_tells_everything_once(now: datetime) -> None:
    freeze = plan(now, but_not=["2025-08-18"])
    (event,) = events.about(f"freeze:{freeze.pk}")
    assert (event.kind, event.actor, event.reason, event.before) == ("freeze.planned", "ada", "Settlement runs.", {})
    assert event.after == {
        "name": "Monday freeze",
        "reason": "Settlement runs.",
        "environments": ["production", "staging"],
        "zone": "Europe/Berlin",
        "starts": "2025-08-11T10:00:00",
        "durationHours": 6,
        "recurrence": "FREQ=WEEKLY;BYDAY=MO",
        "butNot": ["2025-08-18"],
    }


@pytest.mark.parametrize(
    ("over", "refusal", "tells"),
    [
        ({"name": " "}, Invalid, "Give the freeze a name"),
        ({"reason": ""}, Invalid, "Say what the freeze protects"),
        ({"environments": []}, Invalid, "at least one environment"),
        ({"environments": ["moon"]}, NotFound, "There is no environment 'moon'"),
        ({"recurrence": "", "starts_at": "2025-08-01T10:00"}, Invalid, "over already"),
        ({"recurrence": "FREQ=DAILY;COUNT=3", "starts_at": "2025-08-01T10:00"}, Invalid, "over already"),
        ({"recurrence": "FREQ=SECONDLY"}, Invalid, "recurs DAILY"),
    ],
)
def test_a_refused_plan_leaves_nothing(now: datetime, over: dict, refusal: type[Exception], tells: str) -> None:
    with pytest.raises(refusal, match=tells):
        plan(now, **over)
    assert not Freeze.objects.exists()
    assert not events.recent().filter(kind__startswith="freeze.").exists()


def test_a_change_counts_at_once_and_of_two_people_one_is_told(now: datetime) -> None:
    freeze = plan(now)
    wanted = replace(MONDAYS, environments=["production"], starts_at="2025-08-11T12:30")
    freezing.change(freeze.pk, wanted, actor=ADA, reason="It begins later.", now=now, version=1)
    assert held("production", now) == held("staging", now) == ""
    assert held("production", now + 2 * HOUR) == "Monday freeze"

    with pytest.raises(StaleVersion):
        freezing.change(freeze.pk, MONDAYS, actor=ADA, reason="No.", now=now, version=1)
    with pytest.raises(Invalid, match="Say why"):
        freezing.change(freeze.pk, MONDAYS, actor=ADA, reason="", now=now, version=2)
    freezing.change(freeze.pk, wanted, actor=ADA, reason="The same again.", now=now, version=2)

    event = events.about(f"freeze:{freeze.pk}").first()
    assert event is not None
    assert (event.kind, event.reason) == ("freeze.changed", "It begins later.")
    assert (event.before["environments"], event.after["environments"]) == (["production", "staging"], ["production"])
    assert Freeze.objects.get().version == 2


def test_an_ended_freeze_holds_no_more_and_stays_as_it_is(now: datetime) -> None:
    freeze = plan(now)
    freezing.end(freeze.pk, actor=ADA, reason="Done.", now=now, version=1)
    assert held("production", now) == ""
    for call in (
        lambda: freezing.end(freeze.pk, actor=ADA, reason="r", now=now),
        lambda: freezing.change(freeze.pk, MONDAYS, actor=ADA, reason="r", now=now),
        lambda: freezing.override(freeze.pk, "production", actor=ADA, reason="r", now=now),
    ):
        with pytest.raises(Conflict, match="was ended 2025-08-11 09:00 UTC"):
            call()


def test_an_override_counts_for_one_occurrence_in_one_environment(now: datetime) -> None:
    freeze = plan(now)
    freezing.override(freeze.pk, "production", actor=ADA, reason="The fallback is down.", now=now)
    assert held("production", now) == held("production", now + 4 * HOUR) == ""
    assert held("staging", now) == "Monday freeze"
    assert held("production", now + timedelta(weeks=1)) == "Monday freeze"

    event = events.about(f"freeze:{freeze.pk}").first()
    assert event is not None
    assert (event.kind, event.actor, event.reason) == ("freeze.overridden", "ada", "The fallback is down.")
    assert event.environment is not None
    assert event.environment.key == "production"
    assert event.data["name"] == "Monday freeze"


def test_an_override_until_a_time_ends_there_and_can_be_given_again(now: datetime) -> None:
    freeze = plan(now)
    give = {"actor": ADA, "reason": "r"}
    row = freezing.override(freeze.pk, "production", now=now, until=now + HOUR, **give)
    assert held("production", now + HOUR - timedelta(seconds=1)) == ""
    assert held("production", now + HOUR) == "Monday freeze"
    with pytest.raises(Conflict, match="ada lets changes through it until 2025-08-11 10:00 UTC already"):
        freezing.override(freeze.pk, "production", now=now, **give)

    freezing.override(freeze.pk, "production", now=now + 2 * HOUR, **give)
    assert held("production", now + 90 * timedelta(minutes=1)) == "Monday freeze"  # not in between
    assert held("production", now + 2 * HOUR) == ""
    freezing.lift(row.pk, now=now + 3 * HOUR, **give)
    assert held("production", now + 3 * HOUR) == "Monday freeze"
    with pytest.raises(Conflict, match="was over"):
        freezing.lift(row.pk, now=now + 3 * HOUR, **give)
    assert FreezeOverride.objects.count() == 1


def test_an_occurrence_ahead_can_be_let_through(now: datetime) -> None:
    freeze = plan(now)
    ahead = freezes.timetable(freeze).after(now)[0]
    freezing.override(freeze.pk, "production", actor=ADA, reason="r", now=now, occurrence=ahead.starts_at)
    assert held("production", now) == "Monday freeze"
    assert held("production", ahead.starts_at) == ""


def test_the_hour_that_the_clocks_show_twice_can_be_let_through(now: datetime) -> None:
    plan(now, starts_at="2025-10-26T02:30", duration=3600, recurrence="")
    freeze = Freeze.objects.get()
    at = datetime(2025, 10, 26, 0, 40, tzinfo=UTC)
    assert held("production", at) == "Monday freeze"
    freezing.override(freeze.pk, "production", actor=ADA, reason="r", now=at)
    assert held("production", at) == ""
    assert freezes.held_now(now=at).keys() == {environments.get("staging").pk}


@pytest.mark.parametrize(
    ("over", "refusal", "tells"),
    [
        ({"reason": " "}, Invalid, "Say why changes must pass"),
        ({"environment": "development"}, Conflict, "does not hold in development"),
        ({"until": -1}, Invalid, "Choose a time until 2025-08-11 16:00 CEST"),
        ({"until": 6}, Invalid, "Choose a time until 2025-08-11 16:00 CEST"),
        ({"occurrence": 1}, Conflict, "does not hold 2025-08-11 10:00 UTC"),
        ({"now": 6}, Conflict, "does not hold now"),
    ],
)
def test_an_override_that_cannot_be_is_refused(
    now: datetime, over: dict[str, object], refusal: type[Exception], tells: str
) -> None:
    freeze = plan(now)
    hours = {name: now + value * HOUR for name, value in over.items() if isinstance(value, int)}
    asked = {"environment": "production", "reason": "r", "now": now, "actor": ADA} | over | hours
    with pytest.raises(refusal, match=tells):
        freezing.override(freeze.pk, **asked)
    assert not FreezeOverride.objects.exists()


@pytest.mark.races
@pytest.mark.django_db(transaction=True)
def test_of_four_overrides_at_once_one_is_given(now: datetime) -> None:
    freeze = plan(now)
    give = lambda: freezing.override(freeze.pk, "production", actor=ADA, reason="r", now=now)  # noqa: E731
    results = at_once(*[give] * 4)
    assert sum(isinstance(each, FreezeOverride) for each in results) == 1
    assert sum(isinstance(each, Conflict) for each in results) == 3
    assert events.recent().filter(kind="freeze.overridden").count() == 1


@pytest.mark.races
@pytest.mark.django_db(transaction=True)
def test_of_a_change_and_an_end_at_once_neither_is_lost_in_silence(now: datetime) -> None:
    freeze = plan(now)
    wanted = replace(MONDAYS, name="Other")
    results = at_once(
        lambda: freezing.change(freeze.pk, wanted, actor=ADA, reason="r", now=now, version=1),
        lambda: freezing.end(freeze.pk, actor=ADA, reason="r", now=now, version=1),
    )
    assert sum(isinstance(each, Conflict) for each in results) == 1
