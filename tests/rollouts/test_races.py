"""Clocks, followers and people at the same ramp at once. These run on SQLite and on PostgreSQL."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from functools import partial

import pytest
from django.db import connection, transaction

from core import events, heartbeats
from core.actors import GUARD, Actor
from core.errors import Conflict, StaleVersion
from flags import selectors as flag_selectors
from flags.services import emergency
from rollouts.models import Ramp, RampTemplate
from rollouts.services import clock, starting, steering
from rollouts.services.locking import lock
from tests.racing import at_once
from tests.rollouts.conftest import KEY, Guard

pytestmark = [pytest.mark.races, pytest.mark.django_db(transaction=True)]


def history(kind: str) -> int:
    return events.recent().filter(kind=kind).count()


def flag() -> tuple[bool, int]:
    state = flag_selectors.state(KEY, "production")
    return state.enabled, int(state.percentage)


def test_six_clocks_at_once_take_one_step(ramp: Ramp, guard: Guard, operator_actor: Actor, now: datetime) -> None:
    for _ in range(2):
        steering.advance(ramp.pk, actor=operator_actor, reason="r", now=now)
    later = now + timedelta(hours=9)
    guard.passes(since=now, until=later)

    assert sum(at_once(*[lambda: clock.advance_due(now=later)] * 6)) == 1
    ramp.refresh_from_db()
    assert (ramp.position, flag()) == (3, (True, 25))
    assert history("ramp.advanced") == 3


def test_a_step_that_is_moved_while_the_clock_takes_it_is_taken_once_or_waits(
    ramp: Ramp, guard: Guard, operator_actor: Actor, now: datetime
) -> None:
    to = now + timedelta(hours=5)
    moved = partial(steering.reschedule, ramp.pk, to, actor=operator_actor, reason="r", now=now)
    at_once(*[partial(clock.advance_due, now=now)] * 3, moved)
    ramp.refresh_from_db()
    assert ramp.position in (0, 1)
    assert ramp.steps.get(position=ramp.position + 1).due_at == to, "whichever is next was moved"
    assert history("ramp.advanced") == ramp.position
    assert history("ramp.moved") == 1


def test_six_followers_at_once_hold_a_ramp_once(ramp: Ramp, now: datetime) -> None:
    clock.advance_due(now=now)
    emergency.roll_back(KEY, "production", actor=GUARD, reason="errors", now=now)

    assert sum(at_once(*[lambda: clock.follow(now=now)] * 3, *[lambda: clock.advance_due(now=now)] * 3)) <= 1
    ramp.refresh_from_db()
    assert ramp.state == "held"
    assert history("ramp.held") == 1


def test_two_starts_at_once_are_one_ramp(
    template: RampTemplate, guard: Guard, operator_actor: Actor, now: datetime
) -> None:
    def start() -> Ramp:
        return starting.start(template.key, "production", actor=operator_actor, reason="r", now=now)

    results = at_once(*[start] * 4)
    assert sum(isinstance(result, Conflict) for result in results) == 3
    assert Ramp.objects.count() == history("ramp.started") == 1


def test_of_two_people_with_the_same_version_one_steers(ramp: Ramp, operator_actor: Actor, now: datetime) -> None:
    def advance() -> Ramp:
        return steering.advance(ramp.pk, actor=operator_actor, reason="r", now=now, version=1)

    results = at_once(*[advance] * 4)
    assert sum(isinstance(result, StaleVersion) for result in results) == 3
    ramp.refresh_from_db()
    assert ramp.position == 1


def test_an_emergency_against_the_clock_always_ends_with_the_flag_off_and_the_ramp_held(
    ramp: Ramp, guard: Guard, operator_actor: Actor, now: datetime
) -> None:
    for _ in range(2):
        steering.advance(ramp.pk, actor=operator_actor, reason="r", now=now)
    later = now + timedelta(hours=9)
    guard.passes(since=now, until=later)
    at_once(
        lambda: clock.advance_due(now=later),
        lambda: emergency.emergency_disable(KEY, "production", actor=operator_actor, reason="mint", now=later),
        lambda: clock.follow(now=later),
        lambda: clock.advance_due(now=later),
    )
    clock.follow(now=later)

    ramp.refresh_from_db()
    assert flag() == (False, 0)
    assert ramp.state == "held"
    assert history("ramp.held") == 1


def test_a_clock_that_waited_for_a_person_sees_what_the_person_did(
    ramp: Ramp, operator_actor: Actor, now: datetime
) -> None:
    heartbeats.beat("guard", now=now)
    held, taken = threading.Event(), []

    def tick() -> None:
        held.wait()
        try:
            taken.append(clock.advance_due(now=now))
        finally:
            connection.close()

    waiter = threading.Thread(target=tick)
    waiter.start()
    with transaction.atomic():
        lock(ramp.pk)
        held.set()
        waiter.join(0.3)
        assert waiter.is_alive()
        steering.hold(ramp.pk, actor=operator_actor, reason="not today", now=now)
    waiter.join(10)

    assert taken == [0]
    assert flag() == (False, 0)
