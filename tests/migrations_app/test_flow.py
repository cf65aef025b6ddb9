"""From the request to the end: rows, events and the database of nctool together."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from core import environments, events, migrated
from core.actors import Actor, ActorKind
from core.errors import Conflict, Refused
from flags.domain.change import StateChange
from flags.models import Flag
from flags.services import rollout
from migrations_app import selectors
from migrations_app.domain import pace
from migrations_app.domain.states import RunState
from migrations_app.domain.steps import Point
from migrations_app.models import MigrationRun
from migrations_app.services import brakes, migrator, planning, readiness, requesting, steering
from migrations_app.services import work as work_module
from tests.migrations_app.engine import raw, token

OLGA, PAUL = Actor("olga", ActorKind.PERSON), Actor("paul", ActorKind.PERSON)
STAGING = "staging"


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
    flag: Flag, staging: Any, now: datetime, work: Callable[[], None]
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
    server = staging.client.admin.command("hello")["localTime"].replace(tzinfo=UTC)
    dated = staging.cashutokens.find_one({"metadata.migrated": True})["metadata"]["migration_date"]
    assert abs(server - dated) < timedelta(minutes=10), "by the server's clock: the worker's is months behind"
    with pytest.raises(Conflict, match="applied in staging already"):
        asked(now)


def test_a_completed_run_is_taken_back_by_a_run_of_its_own_and_can_then_be_made_again(
    flag: Flag, staging: Any, now: datetime, work: Callable[[], None]
) -> None:
    before = raw(staging)
    run = asked(now)
    work()

    down = requesting.request_rollback(run.uid, reason="no", actor=OLGA, now=now)
    work()

    assert selectors.get(down.uid).state == RunState.COMPLETED
    assert selectors.get(run.uid).state == RunState.ROLLED_BACK
    assert {log.status for log in run.logs.all()} == {"ROLLED_BACK"}
    assert raw(staging) == before
    assert selectors.applied(STAGING, "002") is None
    again = asked(now)
    work()
    assert selectors.get(again.uid).state == RunState.COMPLETED


def test_a_validation_that_fails_takes_everything_back_by_itself(
    flag: Flag, staging: Any, now: datetime, work: Callable[[], None]
) -> None:
    run = asked(now, traffic="stopped")
    before = raw(staging)

    def meddle(*_: Any) -> None:
        staging.cashutokens.delete_one({"amount": 59})

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
    gone = next(key for key in before if key not in raw(staging))
    assert raw(staging) == {key: value for key, value in before.items() if key != gone}


def test_a_canary_changes_its_part_and_waits_for_a_person(
    flag: Flag, staging: Any, now: datetime, work: Callable[[], None]
) -> None:
    run = asked(now, canary=10)
    work()

    assert selectors.get(run.uid).state == RunState.HELD
    assert staging.cashutokens.count_documents({"metadata.migrated": True}) == 6
    work()
    assert selectors.get(run.uid).state == RunState.HELD, "it waits"

    steering.resume(run.uid, actor=OLGA, now=now)
    work()
    assert selectors.get(run.uid).state == RunState.COMPLETED
    assert staging.cashutokens.count_documents({"metadata.migrated": True}) == 60


def test_in_a_protected_environment_another_person_approves_exactly_what_was_asked_for(
    flag: Flag, staging: Any, now: datetime, settings: Settings, work: Callable[[], None]
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


def test_what_is_not_so_any_more_when_a_worker_comes_to_it_is_not_begun(
    flag: Flag, staging: Any, now: datetime, work: Callable[[], None]
) -> None:
    run = asked(now)
    staging.cashutokens.insert_many([token(number) for number in range(60, 2_000)])
    before = raw(staging)

    work()

    run = selectors.get(run.uid)
    assert run.state == RunState.FAILED
    assert "72 documents were approved, and 2,400 would be changed by now" in run.error
    assert raw(staging) == before
    assert staging.rollout_migrations_runs.count_documents({}) == 0


def test_a_changed_file_stops_everything_until_that_version_is_back(
    flag: Flag, staging: Any, now: datetime, settings: Settings, work: Callable[[], None], tmp_path: Path
) -> None:
    run = asked(now)
    work()
    shipped = Path(settings.NCTOOL_MIGRATIONS) / "m002_atomic_melt_support.py"
    text = shipped.read_text(encoding="utf-8")
    settings.NCTOOL_MIGRATIONS = str(tmp_path)
    (tmp_path / shipped.name).write_text(text.replace('"2.0.0"', '"2.0.1"'), encoding="utf-8")

    with pytest.raises(Conflict, match=r"was changed since run .* applied it"):
        asked(now)
    down = requesting.request_rollback(run.uid, reason="drill", actor=OLGA, now=now)
    work()
    assert "Bring that version back" in selectors.get(down.uid).error
    (tmp_path / shipped.name).write_text(text, encoding="utf-8")
    steering.resume(down.uid, actor=OLGA, now=now)
    work()
    assert selectors.get(run.uid).state == RunState.ROLLED_BACK


def test_a_flag_cannot_be_raised_before_its_migration_nor_the_migration_taken_back_while_it_is_on(
    flag: Flag, staging: Any, now: datetime, settings: Settings, work: Callable[[], None]
) -> None:
    settings.MIGRATION_INTERLOCK = True
    ten = StateChange(enabled=True, percentage=10)
    with pytest.raises(Conflict, match="needs migration 002, which is not applied in staging"):
        rollout.change(flag.key, STAGING, ten, reason="week 5", actor=OLGA, now=now)
    rollout.change(flag.key, "development", ten, reason="it has no database", actor=OLGA, now=now)
    run = asked(now)
    work()
    rollout.change(flag.key, STAGING, ten, reason="week 5", actor=OLGA, now=now)
    with pytest.raises(Conflict, match=r"is on in .* and needs migration 002: switch it off first"):
        requesting.request_rollback(run.uid, reason="no", actor=OLGA, now=now)
    rollout.change(flag.key, STAGING, StateChange(enabled=False), reason="no", actor=OLGA, now=now)
    requesting.request_rollback(run.uid, reason="no", actor=OLGA, now=now)


def test_a_confirmed_rollback_of_the_database_waits_until_every_document_is_back(
    flag: Flag, staging: Any, now: datetime, work: Callable[[], None]
) -> None:
    before = raw(staging)
    run = asked(now)
    work()
    (found,) = migrated.runs(STAGING)
    assert (found.uid, found.documents) == (run.uid, 72)

    told = migrated.take_back(run.uid, actor=PAUL, reason="rb-1", now=now)
    assert (told.done, migrated.take_back(run.uid, actor=PAUL, reason="rb-1", now=now).done) == (False, False)
    work()
    told = migrated.take_back(run.uid, actor=PAUL, reason="rb-1", now=now)
    assert (told.done, told.told) == (True, "002 atomic melt support is taken back: 72 restored.")
    assert raw(staging) == before
    assert migrated.runs(STAGING) == []


def test_a_paused_run_stands_still_and_goes_on_and_one_that_is_left_keeps_what_it_did(
    flag: Flag, staging: Any, now: datetime, clock: Callable[[], datetime], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work_module, "LOOK_EVERY", 0.0)
    monkeypatch.setattr(pace, "FIRST", 10)
    run = asked(now)

    def wish(verb: Callable[..., object], point: Point, **more: Any) -> Callable[[Point], None]:
        done: list[Point] = []

        def at(found: Point) -> None:
            if found is point and not done:
                done.append(found)
                verb(run.uid, actor=OLGA, now=now, **more)

        return at

    migrator.run_next(worker="w1", clock=clock, at=wish(steering.pause, Point.CHECKPOINTED))
    paused = selectors.get(run.uid)
    assert (paused.state, staging.cashutokens.count_documents({"metadata.migrated": True})) == (RunState.PAUSED, 10)
    assert not migrator.run_next(worker="w1", clock=clock)
    steering.resume(run.uid, actor=OLGA, now=now)
    leave = wish(steering.abort, Point.CHECKPOINTED, leave=True, reason="tomorrow")
    migrator.run_next(worker="w1", clock=clock, at=leave)

    left = selectors.get(run.uid)
    assert left.state == RunState.ABANDONED
    assert left.result["changed"]["data.0"] == staging.cashutokens.count_documents({"metadata.migrated": True})
    assert 10 < staging.cashutokens.count_documents({"metadata.migrated": True}) < 60
    assert [log.status for log in left.logs.order_by("id")] == ["COMPLETED", "ABANDONED"]
    again = asked(now)
    while migrator.run_next(worker="w1", clock=clock):
        pass
    assert selectors.get(again.uid).state == RunState.COMPLETED
    assert [each.uid for each in migrated.runs(STAGING)] == [again.uid, run.uid], "the newest first"


def test_a_run_waits_while_somebody_above_says_so_and_the_way_back_does_not(
    flag: Flag, staging: Any, now: datetime, clock: Callable[[], datetime], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work_module, "LOOK_EVERY", 0.01)
    asks: list[str] = []

    def fired(environment: str) -> str:
        asks.append(environment)
        return "Trigger Error rate has fired" if len(asks) in (3, 4, 5) else ""

    monkeypatch.setattr(brakes, "_brakes", [fired])
    run = asked(now)
    migrator.run_next(worker="w1", clock=clock)
    assert selectors.get(run.uid).state == RunState.COMPLETED
    assert len(asks) > 5
    asks.clear()
    requesting.request_rollback(run.uid, reason="drill", actor=OLGA, now=now)
    migrator.run_next(worker="w1", clock=clock)
    assert selectors.get(run.uid).state == RunState.ROLLED_BACK
    assert asks == []
