"""Several people and workers at once: one of them, and the database of nctool is never in two hands."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from core import environments, events
from core.actors import Actor, ActorKind
from core.errors import Conflict, DomainError
from flags.models import Flag
from migrations_app import selectors
from migrations_app.domain.states import RunState
from migrations_app.models import MigrationRun
from migrations_app.services import migrator, planning, requesting, steering
from tests.migrations_app.test_flow import OLGA, PAUL, STAGING, asked
from tests.racing import at_once

pytestmark = [pytest.mark.races, pytest.mark.django_db(transaction=True)]
ANNA = Actor("anna", ActorKind.PERSON)


@pytest.fixture
def run(flag: Flag, staging: Any, now: datetime) -> MigrationRun:
    environments.define(STAGING, {"protected": True}, actor=OLGA, reason="tests", now=now)
    return asked(now)


def kinds(run: MigrationRun) -> list[str]:
    return [event.kind for event in events.about(f"migration:{run.uid}")]


def test_of_two_people_who_approve_and_one_who_refuses_one_is_heard(run: MigrationRun, now: datetime) -> None:
    found = at_once(
        lambda: requesting.approve(run.uid, digest=run.digest, actor=PAUL, now=now),
        lambda: requesting.approve(run.uid, digest=run.digest, actor=ANNA, now=now),
        lambda: requesting.refuse(run.uid, reason="no", actor=ANNA, now=now),
    )
    assert sum(isinstance(each, DomainError) for each in found) == 2
    assert len([kind for kind in kinds(run) if kind in ("migration.approved", "migration.refused")]) == 1


def test_of_workers_that_come_at_once_one_works_and_the_others_find_the_lock_taken(
    run: MigrationRun,
    staging: Any,
    now: datetime,
    clock: Callable[[], datetime],
) -> None:
    requesting.approve(run.uid, digest=run.digest, actor=PAUL, now=now)
    found = at_once(*[lambda name=f"w{n}": migrator.run_next(worker=name, clock=clock) for n in range(4)])  # type: ignore[misc]

    assert sorted(found)[:3] == [False, False, False] or selectors.get(run.uid).state == RunState.COMPLETED
    while migrator.run_next(worker="late", clock=clock):
        pass
    done = selectors.get(run.uid)
    assert (done.state, done.result["changed"]) == (RunState.COMPLETED, {"data.0": 60, "data.1": 12})
    assert kinds(run).count("migration.started") == 1
    assert kinds(run).count("migration.completed") == 1
    assert staging.rollout_migrations_journal.count_documents({}) == 2


def test_of_two_that_are_asked_for_at_once_one_is_under_way(
    flag: Flag,
    staging: Any,
    now: datetime,
) -> None:
    asked_first = asked(now)
    steering.abort(asked_first.uid, reason="only to have the waivers", actor=OLGA, now=now)

    def ask() -> MigrationRun:
        return requesting.request(planning.wanted(STAGING, "002"), reason="week 2", actor=OLGA, now=now)

    found = at_once(ask, ask, ask)
    assert sum(isinstance(each, Conflict) for each in found) == 2
    assert selectors.under_way(STAGING) is not None
