"""The worker: takes the next run, has the database's lock for it, brings it forward, and writes what came of it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from core import heartbeats
from core.errors import DomainError
from migrations_app import selectors
from migrations_app.adapters import lease as leases
from migrations_app.adapters import modules, target
from migrations_app.adapters.journal import Journal
from migrations_app.adapters.lease import LEASE, Lease, LeaseLost
from migrations_app.adapters.mongo import Unreachable
from migrations_app.adapters.target import Target
from migrations_app.domain.pace import Pace
from migrations_app.domain.states import Direction, LogStatus, RunState, Traffic
from migrations_app.domain.steps import Point
from migrations_app.models import MigrationLog, MigrationRun
from migrations_app.services import brakes, driving, starting
from migrations_app.services.desk import MIGRATOR, RowDesk
from migrations_app.services.driving import Ending
from migrations_app.services.rows import hold, move, picture, save
from migrations_app.services.work import Shutdown, Work

log = logging.getLogger(__name__)
Clock = Callable[[], datetime]


def run_next(
    *,
    worker: str,
    clock: Clock,
    stopping: Callable[[], bool] = lambda: False,
    at: Callable[[Point], None] = lambda _: None,
    lease: timedelta = LEASE,
) -> bool:
    """Take the run that waits longest, and bring it forward as far as it goes; False when there is none to be had.

    Args:
        worker: the name of this process, told to whoever waits for the lock.
        stopping: True once the worker is to end; the run then stays at its checkpoint.
        at: is told every point that the worker comes by.
        lease: how long the lock stays with a worker that has died.
    """
    for run in selectors.at_work():
        try:
            place = target.connect(run.environment.key)
            with target.told():
                held = leases.take(place.database, run=run.uid, worker=worker, length=lease)
        except (Unreachable, DomainError) as error:
            _waits(run, str(error), now=clock())
            continue
        if held is None:
            continue
        at(Point.LOCKED)
        try:
            _have(run, place, held, clock=clock, stopping=stopping, at=at)
        except (LeaseLost, Shutdown) as end:
            log.warning("%s: left at its checkpoint: %s", run.uid, end)
        finally:
            _release(held)
        return True
    return False


def _have(
    run: MigrationRun,
    place: Target,
    held: Lease,
    *,
    clock: Clock,
    stopping: Callable[[], bool],
    at: Callable[[Point], None],
) -> None:
    """Drive a run that is ours to its end; a failure goes over into the way back at once."""
    row = _begin(run.uid, held.fence, now=clock())
    if row is None:
        return
    try:
        if "locked_at" not in row.progress:  # nobody has begun it yet
            starting.need_still(row, now=clock())
        work = _work(row, place, held, clock=clock)
    except DomainError as error:
        _settle(row.uid, held.fence, Ending(_failed(row), str(error)), now=clock())
        return
    with target.told(leases.LEASE.total_seconds()):
        fenced = target.asks_cheaply_for_the_time(place.database)
        work = replace(work, stopping=stopping, at=at, fenced=fenced)
        work.journal.open(_first(row, place))
    at(Point.OPENED)
    ending = _drive(work, row)
    row = _settle(row.uid, held.fence, ending, now=clock())
    if row is not None and row.state == RunState.ROLLING_BACK:
        _settle(row.uid, held.fence, driving.take_back(work, work.phases), now=clock())


def _drive(work: Work, row: MigrationRun) -> Ending:
    if row.direction == Direction.DOWN:
        ending = driving.take_back(work, tuple(row.phases))
        of = {RunState.ROLLED_BACK: RunState.COMPLETED, RunState.ROLLBACK_FAILED: RunState.FAILED}
        return replace(ending, state=of.get(ending.state, ending.state))
    if row.state == RunState.ROLLING_BACK:
        return driving.take_back(work, work.phases)
    return driving.drive(work)


def _work(row: MigrationRun, place: Target, held: Lease, *, clock: Clock) -> Work:
    """Raises DomainError when the migration's code or the database is not what was approved."""
    of = row.of or row
    loaded = modules.get(row.number)
    if loaded.checksum != of.checksum:
        raise DomainError(
            f"{loaded.path.name} is not any more what it was when this run was approved. Bring that version back."
        )
    if place.name != row.plan.get("target", place.name):
        raise DomainError(f"This run is for {row.plan['target']}, and {row.environment} is {place.name} by now.")
    return Work(
        uid=of.uid,
        migration=loaded.migration,
        phases=tuple(of.phases),
        canary=of.canary,
        traffic=Traffic(of.traffic),
        database=place.database,
        lease=held,
        journal=Journal(place.database, of.uid, held),
        desk=RowDesk(row, held.fence, clock),
        pace=Pace(speed=row.speed),
        brakes=brakes.of(row.environment.key),
        picture={**row.progress, "waiting": "", "locked_at": clock().isoformat()},
    )


def _first(row: MigrationRun, place: Target) -> dict[str, Any]:
    """The run's document as it begins. `started_at` is the server's time, and stays through every resume."""
    began = place.database.client.admin.command("hello")["localTime"]
    return {
        "number": row.number,
        "environment": row.environment.key,
        "checksum": row.checksum,
        "started_at": began,
        "step": 0,
        "state": "begun",
    }


@transaction.atomic
def _begin(uid: str, fence: int, *, now: datetime) -> MigrationRun | None:
    """Make the row ours: nobody with an older fence writes to it from now on. None when it is over by now."""
    row = hold(uid)
    if fence <= row.fence or RunState(row.state) not in selectors.AT_WORK:
        return None
    before, first = picture(row), row.state == RunState.APPROVED
    row.fence = fence
    if first:
        move(row, RunState.RUNNING)
        row.started_at = now
        save(row, "started", before, actor=MIGRATOR, reason=row.reason, now=now)
    else:
        row.save(update_fields=["fence"])
    return row


@transaction.atomic
def _settle(uid: str, fence: int, ending: Ending, *, now: datetime) -> MigrationRun | None:
    """Write what came of it; None when it is not ours any more."""
    row = hold(uid)
    if row.fence != fence:
        log.warning("%s: somebody else has it by now", uid)
        return None
    before = picture(row)
    move(row, ending.state)
    row.wish, row.wished_by = "", ""
    row.error = (
        ending.why if ending.state not in (RunState.HELD, RunState.COMPLETED, RunState.ROLLED_BACK) else row.error
    )
    row.result = {**row.result, **ending.result}
    row.progress = {**row.progress, "waiting": ""}
    if ending.state not in (RunState.PAUSED, RunState.HELD, RunState.ROLLING_BACK):
        row.ended_at = now
    kind = "failed" if ending.state is RunState.ROLLING_BACK else ending.state.value
    save(row, kind, before, actor=MIGRATOR, reason=ending.why, now=now, data=_told(ending.result))
    if row.direction == Direction.DOWN and ending.state is RunState.COMPLETED and row.of is not None:
        _undone(row.of.uid, row, now=now)
    if ending.state is RunState.ROLLBACK_FAILED:
        MigrationLog.objects.filter(run=row).exclude(status=LogStatus.ROLLED_BACK.value).update(
            status=LogStatus.ROLLBACK_FAILED.value, error=ending.why
        )
    return row


def _undone(uid: str, by: MigrationRun, *, now: datetime) -> None:
    """The run that was taken back is so only when all of its phases are."""
    of = hold(uid)
    statuses = set(of.logs.values_list("status", flat=True))
    if statuses <= {LogStatus.ROLLED_BACK.value}:
        before = picture(of)
        move(of, RunState.ROLLED_BACK)
        save(of, "rolled_back", before, actor=MIGRATOR, reason=by.reason, now=now, data={"by": by.uid})


def _told(result: Mapping[str, Any]) -> dict[str, Any]:
    return {"evidence": {name: value for name, value in result.items() if isinstance(value, int | str)}}


def _failed(row: MigrationRun) -> RunState:
    return RunState.ROLLBACK_FAILED if row.state == RunState.ROLLING_BACK else RunState.FAILED


def _waits(run: MigrationRun, why: str, *, now: datetime) -> None:
    progress = {**run.progress, "waiting": why, "at": now.isoformat()}
    MigrationRun.objects.filter(pk=run.pk, fence=run.fence).update(progress=progress)
    heartbeats.beat("migrator", now=now)


def _release(held: Lease) -> None:
    """A lock that cannot be given back now is free when its lease ends."""
    if held.lost:
        return
    try:
        with target.told():
            held.release()
    except Unreachable as error:
        log.warning("the lock could not be given back: %s", error)
