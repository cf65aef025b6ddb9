"""Two callers at once. These run on SQLite and on PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from django.db import connection, transaction

from core import events
from core.actors import Actor
from core.errors import StaleVersion
from flags import selectors
from flags.services import emergency, rollout
from flags.services.locking import hold
from tests.racing import at_once

pytestmark = [pytest.mark.races, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("flag")]
KEY = "atomicMeltOperations"


def test_of_two_operators_with_the_same_version_one_wins_and_one_is_told(operator_actor: Actor, now: datetime) -> None:
    def raise_to(percentage: int) -> Callable[[], Any]:
        return lambda: rollout.set_rollout(
            KEY, "production", percentage, actor=operator_actor, reason="race", now=now, version=1
        )

    results = at_once(raise_to(10), raise_to(20))

    assert sum(isinstance(result, StaleVersion) for result in results) == 1
    assert events.recent().filter(kind="flag.rollout_changed").count() == 1
    assert selectors.state(KEY, "production").version == 2


def test_eight_rollbacks_at_once_are_one_rollback(operator_actor: Actor, now: datetime) -> None:
    rollout.enable(KEY, "production", actor=operator_actor, reason="go", now=now)
    results = at_once(
        *[lambda: emergency.roll_back(KEY, "production", actor=operator_actor, reason="errors", now=now)] * 8
    )

    assert len(set(results)) == 1, results
    assert events.recent().filter(kind="flag.rolled_back").count() == 1


def test_no_change_is_lost_and_the_configuration_version_counts_each(operator_actor: Actor, now: datetime) -> None:
    before = selectors.configuration_versions()["production"]
    results = at_once(
        *[
            lambda n=n: rollout.set_parameters(KEY, "production", {"n": n}, actor=operator_actor, reason="r", now=now)
            for n in range(6)
        ]
    )

    assert not [result for result in results if isinstance(result, Exception)]
    assert selectors.state(KEY, "production").version == 7
    assert selectors.configuration_versions()["production"] == before + 6


def test_a_caller_that_waited_sees_the_new_state(operator_actor: Actor, now: datetime) -> None:
    held, outcome = threading.Event(), []

    def wait_then_change() -> None:
        held.wait()
        try:
            rollout.set_rollout(KEY, "production", 20, actor=operator_actor, reason="late", now=now, version=1)
        except StaleVersion as refusal:
            outcome.append(refusal)
        finally:
            connection.close()

    waiter = threading.Thread(target=wait_then_change)
    waiter.start()
    with transaction.atomic():
        hold(KEY, "production")
        held.set()
        waiter.join(0.3)
        assert waiter.is_alive()
        rollout.set_rollout(KEY, "production", 10, actor=operator_actor, reason="first", now=now)
    waiter.join(10)

    assert len(outcome) == 1
    assert selectors.state(KEY, "production").percentage == 10
