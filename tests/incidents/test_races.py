"""Many callers at one incident. These run on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from core.actors import Actor, ActorKind
from core.errors import Conflict, DomainError
from flags.models import Flag
from incidents import selectors
from incidents.domain.states import IncidentState
from incidents.models import Action, Followed, Incident
from incidents.services import following, levelling, linking, opening, steering, watching
from tests.incidents.conftest import ANNA, OLGA, WHERE, alert, fired, kinds
from tests.monitoring.conftest import Traffic
from tests.racing import at_once

pytestmark = [pytest.mark.races, pytest.mark.django_db(transaction=True)]
Declare = Callable[..., Incident]


def test_of_eight_workers_that_see_the_same_news_one_opens(flag: Flag, now: datetime) -> None:
    fired(4.0, now=now)
    for number in range(50):
        alert(f"Alert{number}", now=now)
    at_once(*[lambda: following.follow(now=now)] * 8)
    assert (Incident.objects.count(), Followed.objects.count(), kinds()) == (1, 51, ["opened", "linked"])


def test_the_clock_a_follower_and_a_person_open_one(traffic: Traffic, now: datetime) -> None:
    traffic.melts(100, errors=0.2)
    at = traffic.at + timedelta(seconds=4)
    fired(20.0, now=at)
    at_once(
        lambda: watching.watch(now=at),
        lambda: following.follow(now=at),
        lambda: opening.declare(WHERE, "Melts fail", 1, actor=OLGA, now=at),
    )
    following.follow(now=at)
    assert (Incident.objects.count(), kinds().count("opened")) == (1, 1)


def test_of_eight_people_who_acknowledge_one_does(declare: Declare, now: datetime) -> None:
    row = declare()
    people = [Actor(f"person{number}", ActorKind.PERSON) for number in range(8)]
    results = at_once(*[lambda who=who: steering.acknowledge(row.pk, actor=who, now=now) for who in people])
    assert sum(isinstance(result, Conflict) for result in results) == 7
    assert kinds().count("acknowledged") == 1


@pytest.mark.parametrize("attempt", range(3))
def test_raised_by_the_clock_while_a_person_lowers_both_are_told(attempt: int, declare: Declare, now: datetime) -> None:
    row = declare(2)
    at = now + timedelta(minutes=15)
    at_once(
        lambda: watching.watch(now=at),
        lambda: levelling.lower_level(row.pk, 1, reason="Fine", actor=ANNA, now=at, version=row.version),
    )
    after = selectors.get(row.pk)
    assert (after.level, kinds()[1:]) in [
        (3, ["level_raised"]),  # the person saw an older version
        (1, ["level_lowered"]),  # the deadline is a new one
    ]
    assert after.highest >= after.level


@pytest.mark.parametrize("attempt", range(3))
def test_news_while_it_is_resolved_is_lost_in_neither_order(attempt: int, declare: Declare, now: datetime) -> None:
    row = declare()
    fired(4.0, now=now)
    at_once(
        lambda: following.follow(now=now),
        lambda: steering.set_state(row.pk, IncidentState.RESOLVED, actor=OLGA, now=now),
    )
    assert Followed.objects.get().incident_id == row.pk
    assert Incident.objects.count() == 1
    last = [kind for kind in kinds() if kind in ("resolved", "reopened")]
    assert last in (["resolved"], ["resolved", "reopened"])


def test_merged_into_each_other_at_once_one_is_left(declare: Declare, now: datetime) -> None:
    one, two = declare(), declare(separate=True)
    results = at_once(
        lambda: linking.merge(one.pk, two.pk, reason="same", actor=OLGA, now=now),
        lambda: linking.merge(two.pk, one.pk, reason="same", actor=ANNA, now=now),
    )
    assert sum(isinstance(result, DomainError) for result in results) == 1
    assert Incident.objects.filter(state="merged").count() == 1
    assert selectors.gathering(one.environment_id) is not None


def test_raised_twice_at_once_it_has_one_list(declare: Declare, now: datetime) -> None:
    row = declare()
    at_once(
        lambda: levelling.raise_level(row.pk, 3, reason="a", actor=OLGA, now=now),
        lambda: levelling.raise_level(row.pk, 3, reason="b", actor=ANNA, now=now),
    )
    assert Action.objects.filter(incident=row, level=3).count() == 4
