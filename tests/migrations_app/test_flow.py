"""From the request to the end: rows, events and the database of nctool together."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pymongo
import pytest
from pytest_django import Settings

from core import environments, events
from core.actors import Actor, ActorKind
from core.errors import Conflict, Refused
from flags.models import Flag
from migrations_app import selectors
from migrations_app.domain.states import RunState
from migrations_app.models import MigrationRun
from migrations_app.services import migrator, planning, readiness, requesting, steering
from tests.migrations_app.engine import raw, token, wallets

OLGA, PAUL = Actor("olga", ActorKind.PERSON), Actor("paul", ActorKind.PERSON)
STAGING = "staging"


@pytest.fixture
def database(mongodb_url: str, settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """nctool's database of staging: twenty wallets, sixty tokens of the old version."""
    name = f"flow_{tmp_path_factory.mktemp('flow').name.replace('-', '_')}"
    settings.NCTOOL_MONGODBS = {"STAGING": mongodb_url.rpartition("/")[0] + f"/{name}"}
    with pymongo.MongoClient(mongodb_url, tz_aware=True, w="majority") as client:
        client.drop_database(name)
        client[name].cashuwallets.insert_many(wallets())
        client[name].cashutokens.insert_many([token(number) for number in range(60)])
        yield client[name]
        client.drop_database(name)


@pytest.fixture
def clock(now: datetime) -> Callable[[], datetime]:
    ticks = iter(range(1_000_000))
    return lambda: now + timedelta(seconds=next(ticks))


@pytest.fixture
def work(clock: Callable[[], datetime]) -> Callable[[], None]:
    """A worker that has done everything that waits."""

    def all_() -> None:
        while migrator.run_next(worker="w1", clock=clock):
            pass

    return all_


def asked(now: datetime, **more: Any) -> MigrationRun:
    """A run that olga asks for, after paul has let pass what a young server without a backup cannot have."""
    wanted = planning.wanted(STAGING, "002", **more)
    look = readiness.look(STAGING, wanted.loaded.migration, wanted.phases, now=now)
    for check in look.blocking:
        readiness.waive(STAGING, check.name, "tests", 4, PAUL, now)
    return requesting.request(wanted, reason="week 2", actor=OLGA, now=now)


def test_a_run_is_asked_for_begins_at_once_where_nothing_is_protected_and_is_told_from_end_to_end(
    flag: Flag, database: Any, now: datetime, work: Callable[[], None]
) -> None:
    run = asked(now)
    assert (run.state, run.plan["documents"]) == (RunState.APPROVED, 60 + 12)

    work()

    run = selectors.get(run.uid)
    assert (run.state, run.error) == (RunState.COMPLETED, "")
    assert run.result["changed"] == {"data.0": 60, "data.1": 12}
    assert [(log.phase, log.status) for log in run.logs.order_by("id")] == [
        ("schema", "COMPLETED"),
        ("data", "COMPLETED"),
    ]
    assert all(log.migration_id == run.uid and log.duration is not None for log in run.logs.all())
    told = [event.kind for event in events.about(f"migration:{run.uid}")][::-1]
    assert told == [
        *("migration.requested", "migration.started"),
        *["migration.phase"] * 4,
        "migration.completed",
    ]
    assert selectors.applied(STAGING, "002") == run
    with pytest.raises(Conflict, match="applied in staging already"):
        asked(now)


def test_a_completed_run_is_taken_back_by_a_run_of_its_own_and_can_then_be_made_again(
    flag: Flag, database: Any, now: datetime, work: Callable[[], None]
) -> None:
    before = raw(database)
    run = asked(now)
    work()

    down = requesting.request_rollback(run.uid, reason="no", actor=OLGA, now=now)
    work()

    assert selectors.get(down.uid).state == RunState.COMPLETED
    assert selectors.get(run.uid).state == RunState.ROLLED_BACK
    assert {log.status for log in run.logs.all()} == {"ROLLED_BACK"}
    assert raw(database) == before
    assert selectors.applied(STAGING, "002") is None
    again = asked(now)
    work()
    assert selectors.get(again.uid).state == RunState.COMPLETED


def test_a_validation_that_fails_takes_everything_back_by_itself(
    flag: Flag, database: Any, now: datetime, work: Callable[[], None]
) -> None:
    run = asked(now, traffic="stopped")
    before = raw(database)

    def meddle(*_: Any) -> None:
        database.cashutokens.delete_one({"amount": 59})

    clock = iter(now + timedelta(seconds=each) for each in range(10_000))
    done = []

    def at(point: Any) -> None:
        if point.value == "phase ended" and not done:
            done.append(meddle())

    migrator.run_next(worker="w1", clock=lambda: next(clock), at=at)

    run = selectors.get(run.uid)
    assert run.state == RunState.ROLLED_BACK
    assert "The validation failed" in run.error
    assert "1 gone" in run.error
    gone = next(key for key in before if key not in raw(database))
    assert raw(database) == {key: value for key, value in before.items() if key != gone}


def test_a_canary_changes_its_part_and_waits_for_a_person(
    flag: Flag, database: Any, now: datetime, work: Callable[[], None]
) -> None:
    run = asked(now, canary=10)
    work()

    assert selectors.get(run.uid).state == RunState.HELD
    assert database.cashutokens.count_documents({"metadata.migrated": True}) == 6
    work()
    assert selectors.get(run.uid).state == RunState.HELD, "it waits"

    steering.resume(run.uid, actor=OLGA, now=now)
    work()
    assert selectors.get(run.uid).state == RunState.COMPLETED
    assert database.cashutokens.count_documents({"metadata.migrated": True}) == 60


def test_in_a_protected_environment_another_person_approves_exactly_what_was_asked_for(
    flag: Flag, database: Any, now: datetime, settings: Settings, work: Callable[[], None]
) -> None:
    environments.define(STAGING, {"protected": True}, actor=OLGA, reason="tests", now=now)
    wanted = planning.wanted(STAGING, "002")
    look = readiness.look(STAGING, wanted.loaded.migration, wanted.phases, now=now)
    with pytest.raises(Conflict, match="not ready"):
        requesting.request(wanted, reason="week 2", actor=OLGA, now=now)
    for check in look.blocking:
        readiness.waive(STAGING, check.name, "tests", 4, PAUL, now)
    run = requesting.request(wanted, reason="week 2", actor=OLGA, now=now)
    work()
    assert selectors.get(run.uid).state == RunState.REQUESTED

    with pytest.raises(Refused, match="another person"):
        requesting.approve(run.uid, digest=run.digest, actor=OLGA, now=now)
    with pytest.raises(Conflict, match="not what you looked at"):
        requesting.approve(run.uid, digest="0" * 64, actor=PAUL, now=now)
    with pytest.raises(Refused, match="person"):
        requesting.approve(run.uid, digest=run.digest, actor=Actor("ci", ActorKind.TOKEN), now=now)
    requesting.approve(run.uid, digest=run.digest, actor=PAUL, now=now)
    work()
    assert selectors.get(run.uid).state == RunState.COMPLETED
