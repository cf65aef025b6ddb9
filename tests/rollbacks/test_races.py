"""Many people, the guard and many workers at one rollback. These run on SQLite and on PostgreSQL."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

import flags.selectors
from core import events
from core.actors import GUARD, Actor, ActorKind
from core.errors import Conflict, DomainError
from flags.services import emergency
from rollbacks import selectors
from rollbacks.models import Rollback
from rollbacks.services import deciding, mending, running
from rollouts.services import validation
from tests.racing import at_once
from tests.rollbacks.conftest import ANNA, GOOD, KEY, OLGA, OTHER, Ask, Cluster, all_pass, confirm, told

pytestmark = [pytest.mark.races, pytest.mark.django_db(transaction=True)]


def failures(results: list[Any]) -> list[Any]:
    return [result for result in results if isinstance(result, DomainError)]


def test_of_32_people_who_confirm_the_same_plan_one_does(ask: Ask, now: datetime) -> None:
    row = ask()
    people = [Actor(f"person{number}", ActorKind.PERSON) for number in range(32)]
    results = at_once(
        *[
            lambda actor=actor: deciding.confirm(row.public_id, digest=row.digest, actor=actor, now=now)
            for actor in people
        ]
    )
    assert len(failures(results)) == 31
    assert all("cannot be confirmed" in str(refusal) for refusal in failures(results))
    assert (told("rollback.confirmed"), told("flag.rolled_back"), told("rollback.step_done")) == (1, 1, 1)
    assert flags.selectors.state(KEY, "production").rollback_id == row.public_id
    assert row.steps.count() == 4


@pytest.mark.parametrize("attempt", range(4))
def test_a_confirmation_while_the_guard_rolls_back_switches_off_once(attempt: int, ask: Ask, now: datetime) -> None:
    row = ask()
    confirmed, _ = at_once(
        lambda: deciding.confirm(row.public_id, digest=row.digest, actor=ANNA, now=now),
        lambda: emergency.roll_back(KEY, "production", actor=GUARD, reason="errors", now=now),
    )
    after = selectors.get(row.public_id)
    assert told("flag.rolled_back") == 1
    assert not flags.selectors.state(KEY, "production").enabled
    if isinstance(confirmed, Conflict):
        assert "nothing left to take back" in after.closed_reason
    else:
        assert (after.state, after.steps.get(kind="flags").state) == ("running", "done")


def test_of_eight_workers_one_undoes(ask: Ask, cluster: Cluster, now: datetime) -> None:
    row = ask("application")
    confirm(row, now=now)
    for second in range(1, 8):
        at = now + timedelta(seconds=second)
        at_once(*[lambda at=at: running.advance(clock=lambda: at)] * 8)
        validation.run_due(now=at, every=timedelta(0), apart=all_pass)
    assert selectors.get(row.public_id).state == "done"
    assert (cluster.state["undone"], cluster.state["image"]) == (1, GOOD)
    assert (told("rollback.step_done"), told("rollback.completed"), told("validation.finished")) == (5, 1, 1)


def test_two_rollbacks_confirmed_at_once_are_one_after_the_other(ask: Ask, both: None, now: datetime) -> None:
    one, two = ask(), ask(flag=OTHER)
    results = at_once(lambda: confirm(one, now=now), lambda: confirm(two, now=now))
    assert [type(result) for result in failures(results)] == [Conflict]
    assert told("rollback.confirmed") == told("flag.rolled_back") == 1


def test_of_retry_skip_and_abort_at_once_one_counts(ask: Ask, cluster: Cluster, now: datetime) -> None:
    row = ask("application")
    confirm(row, now=now)
    cluster.set(paused=True)
    running.advance(clock=lambda: now + timedelta(seconds=1))
    at = now + timedelta(seconds=2)
    results = at_once(
        lambda: mending.retry(row.public_id, actor=OLGA, now=at),
        lambda: mending.skip(row.public_id, reason="r", actor=OLGA, now=at),
        lambda: mending.record(row.public_id, result="r", actor=OLGA, now=at),
        lambda: mending.abort(row.public_id, reason="r", actor=OLGA, now=at),
    )
    assert len(failures(results)) == 3
    last = events.about(f"rollback:{row.public_id}").first()
    assert last is not None
    assert last.data["step"] == 2
    assert Rollback.objects.get().state in ("running", "aborted")
