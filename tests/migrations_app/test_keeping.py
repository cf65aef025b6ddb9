"""The journal of a run is kept as long as its documents may be wanted back, and not longer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pytest_django import Settings

from core import environments, events, migrated
from core.actors import CLOCK
from core.errors import Conflict
from flags.models import Flag
from migrations_app import selectors
from migrations_app.adapters import journal
from migrations_app.domain.retention import kept_until
from migrations_app.domain.states import RunState
from migrations_app.models import MigrationRun
from migrations_app.selectors import keeping as kept
from migrations_app.services import keeping, migrator, requesting, steering, verifying
from tests.migrations_app.test_flow import OLGA, PAUL, STAGING, asked
from tests.racing import at_once

DAY = timedelta(days=1)
END = datetime(2025, 8, 18, tzinfo=UTC)


def completed(now: datetime, **more: Any) -> MigrationRun:
    run = asked(now, **more)
    ticks = iter(range(1_000_000))
    while migrator.run_next(worker="w1", clock=lambda: now + timedelta(seconds=next(ticks))):
        pass
    run = selectors.get(run.uid)
    assert run.state == RunState.COMPLETED, run.error
    return run


def entries(database: Any, run: MigrationRun) -> int:
    return int(database[journal.JOURNAL].count_documents({"run": run.uid}))


@pytest.mark.parametrize(
    ("keep", "cleaned", "until"),
    [
        (90 * DAY, None, END + 90 * DAY),
        (90 * DAY, END + 10 * DAY, END + 17 * DAY),
        (90 * DAY, END + 85 * DAY, END + 90 * DAY),
        (timedelta(), None, None),
        (timedelta(), END + 10 * DAY, END + 17 * DAY),
    ],
)
def test_a_journal_is_kept_for_its_time_or_until_a_while_after_the_cleanup_whichever_ends_first(
    keep: timedelta, cleaned: datetime | None, until: datetime | None
) -> None:
    assert kept_until(END, cleaned, keep=keep, after_cleanup=7 * DAY) == until


def test_a_journal_goes_when_its_time_is_over_and_a_rollback_is_refused_with_the_reason(
    flag: Flag, staging: Any, now: datetime
) -> None:
    run = completed(now)
    until = kept.kept_until(run)
    assert run.ended_at is not None
    assert until == run.ended_at + 90 * DAY

    assert keeping.forget_due(now=until - timedelta(seconds=1)) == 0
    assert entries(staging, run) == 2
    assert keeping.forget_due(now=until) == 1

    assert (entries(staging, run), staging[journal.WITNESS].count_documents({})) == (0, 0)
    (told,) = events.about(f"migration:{run.uid}").filter(kind="migration.forgotten")
    assert (told.actor_kind, told.reason) == (
        CLOCK.kind,
        f"Its retention is over: it was kept until {until:%Y-%m-%d}.",
    )
    with pytest.raises(
        Conflict, match=r"was dropped on 2025-11-09 .* there is no way back. A backup of before the run"
    ):
        requesting.request_rollback(run.uid, reason="no", actor=OLGA, now=until)
    assert migrated.runs(STAGING) == []
    assert verifying.verify(STAGING, "002")["ok"]
    assert keeping.forget_due(now=until + 90 * DAY) == 0, "it has gone"
    assert kept.kept_until(selectors.get(run.uid)) is None


def test_a_journal_that_is_needed_stays_and_what_a_crash_left_of_one_that_is_not_goes(
    flag: Flag, staging: Any, now: datetime
) -> None:
    run, late = completed(now), now + 100 * DAY
    environments.define(STAGING, {"protected": True}, actor=OLGA, reason="tests", now=now)
    down = requesting.request_rollback(run.uid, reason="no", actor=OLGA, now=late)
    assert keeping.forget_due(now=late) == 0
    with pytest.raises(Conflict, match="takes this run back and needs its journal"):
        keeping.forget(run.uid, reason="a month is over", actor=PAUL, now=late)
    with pytest.raises(Conflict, match="name the run that it takes back"):
        keeping.forget(down.uid, reason="a month is over", actor=PAUL, now=late)
    requesting.refuse(down.uid, reason="not needed", actor=PAUL, now=late)
    assert entries(staging, run) == 2

    MigrationRun.objects.filter(pk=run.pk).update(result={**run.result, "forgotten": late.isoformat()})
    assert keeping.forget_due(now=late) == 1
    assert entries(staging, run) == 0


def test_after_the_cleanup_the_journal_of_the_data_stays_for_the_cleanups_own_waiting_time(
    flag: Flag, staging: Any, now: datetime
) -> None:
    run = completed(now)
    cleanup = completed(now + 8 * DAY, phases=["cleanup"])
    assert cleanup.ended_at is not None
    assert kept.kept_until(run) == cleanup.ended_at + 7 * DAY
    assert kept.kept_until(cleanup) == cleanup.ended_at + 90 * DAY

    assert keeping.forget_due(now=cleanup.ended_at + 7 * DAY) == 1
    assert (entries(staging, run), entries(staging, cleanup)) == (0, 1)


def test_a_rollback_that_failed_keeps_its_journal_until_a_person_drops_it_and_cannot_go_on_without(
    flag: Flag, staging: Any, now: datetime, settings: Settings
) -> None:
    run = completed(now)
    down = requesting.request_rollback(run.uid, reason="no", actor=OLGA, now=now)
    MigrationRun.objects.filter(pk=down.pk).update(state=RunState.FAILED.value)
    assert (kept.kept_until(run), keeping.forget_due(now=now + 1000 * DAY)) == (None, 0)
    keeping.forget(run.uid, reason="a person has put it right", actor=PAUL, now=now)
    with pytest.raises(Conflict, match="there is no way back"):
        steering.resume(down.uid, actor=OLGA, now=now)


@pytest.mark.races
@pytest.mark.django_db(transaction=True)
def test_of_dropping_a_journal_and_asking_for_what_needs_it_one_is_refused(
    flag: Flag, staging: Any, now: datetime
) -> None:
    run = completed(now)
    environments.define(STAGING, {"protected": True}, actor=OLGA, reason="tests", now=now)
    drop: Callable[[], object] = lambda: keeping.forget(run.uid, reason="over", actor=PAUL, now=now)  # noqa: E731
    back: Callable[[], object] = lambda: requesting.request_rollback(run.uid, reason="no", actor=OLGA, now=now)  # noqa: E731
    dropped, asked_back = at_once(drop, back)

    assert isinstance(dropped, Conflict) is not isinstance(asked_back, Conflict)
    assert entries(staging, run) == (2 if isinstance(dropped, Conflict) else 0)
