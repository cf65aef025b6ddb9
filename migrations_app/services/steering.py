"""What people do with a run that is under way: pause, resume, slow down, end it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from django.db import transaction

from core.actors import Actor
from core.errors import Conflict, Invalid
from core.texts import check_text, need_reason
from migrations_app import selectors
from migrations_app.adapters import lease as leases
from migrations_app.adapters import target
from migrations_app.adapters.mongo import Unreachable
from migrations_app.adapters.target import Target
from migrations_app.domain.pace import SLOWEST
from migrations_app.domain.states import AT_WORK, Direction, RunState, Wish
from migrations_app.models import MigrationRun
from migrations_app.services.keeping import need_journal
from migrations_app.services.rows import hold, move, need_state, picture, save

AGAIN = {
    RunState.PAUSED: RunState.RUNNING,
    RunState.HELD: RunState.RUNNING,
    RunState.ROLLBACK_FAILED: RunState.ROLLING_BACK,
}


@transaction.atomic
def pause(uid: str, *, reason: str = "", actor: Actor, now: datetime) -> MigrationRun:
    """Have it stand still after the batch it is at. An automatic rollback is not paused."""
    row = hold(uid)
    need_state(row, {RunState.APPROVED, RunState.RUNNING}, "paused")
    return _wish(row, Wish.PAUSE, reason, actor=actor, now=now)


@transaction.atomic
def resume(uid: str, *, reason: str = "", actor: Actor, now: datetime) -> MigrationRun:
    """Let it go on where it stands: after a pause, after its canary, or a rollback that has failed."""
    row = hold(uid)
    state = RunState(row.state)
    before = picture(row)
    if state in AT_WORK and row.wish == Wish.PAUSE:
        row.wish, row.wished_by = Wish.NONE.value, ""
    else:
        again = dict(AGAIN)
        if row.direction == Direction.DOWN:
            again[RunState.FAILED] = RunState.RUNNING
        need_state(row, set(again), "resumed")
        if row.of is not None:
            need_journal(hold(row.of.uid))
        other = selectors.under_way(row.environment.key)
        if other is not None and other.pk != row.pk:
            raise Conflict(f"Run {other.uid} is under way in {row.environment}: that one first.")
        move(row, again[state])
        row.ended_at = None
    save(row, "resumed", before, actor=actor, reason=check_text(reason), now=now)
    return row


@transaction.atomic
def abort(uid: str, *, leave: bool = False, reason: str, actor: Actor, now: datetime) -> MigrationRun:
    """End it and take back what it has done; or `leave` that, for a later run or rollback."""
    row = hold(uid)
    reason = need_reason(reason)
    need_state(row, {RunState.APPROVED, RunState.RUNNING, RunState.PAUSED, RunState.HELD}, "aborted")
    if row.direction == Direction.DOWN and not leave:
        raise Conflict("A rollback cannot itself be rolled back: pause it, or end it and leave what it has done.")
    if RunState(row.state) in AT_WORK and row.started_at is not None:
        return _wish(row, Wish.LEAVE if leave else Wish.ABORT, reason, actor=actor, now=now)
    before = picture(row)
    untouched = row.started_at is None
    move(row, RunState.ABANDONED if leave or untouched else RunState.ROLLING_BACK)
    row.closed_by, row.closed_reason, row.error = actor.name, reason, f"Aborted by {actor.name}: {reason}"
    row.ended_at = now if leave or untouched else None
    save(row, "abandoned" if leave or untouched else "aborted", before, actor=actor, reason=reason, now=now)
    return row


@transaction.atomic
def set_speed(uid: str, percent: int, *, actor: Actor, now: datetime) -> MigrationRun:
    """How much of the time it works: 100 percent is as fast as the database and its secondaries bear it."""
    row = hold(uid)
    if not SLOWEST <= percent <= 100:
        raise Invalid(f"The speed is {SLOWEST} to 100 percent.", field="speed")
    need_state(row, AT_WORK | {RunState.PAUSED, RunState.HELD}, "slowed down")
    before, row.speed = picture(row), percent
    save(row, "speed", before, actor=actor, reason="", now=now)
    return row


def unlock(environment: str, *, reason: str, actor: Actor, now: datetime) -> str:
    """Take the lock of a database away from whoever has it, and say who that was. A live worker stops at its next look.

    Raises Conflict when nobody has it.
    """
    reason = need_reason(reason)
    place = target.connect(environment)
    with _asked(place):
        held = leases.holder(place.database)
        if held is None:
            raise Conflict(f"Nobody has the lock of {place.name}.")
        leases.break_open(place.database)
    _tell_unlocked(str(held.get("run")), reason, str(held.get("worker")), actor=actor, now=now)
    return f"Taken from {held.get('worker')}, which had it for {held.get('run')}."


@transaction.atomic
def _tell_unlocked(uid: str, reason: str, worker: str, *, actor: Actor, now: datetime) -> None:
    if MigrationRun.objects.filter(uid=uid).exists():
        row = hold(uid)
        save(row, "unlocked", picture(row), actor=actor, reason=reason, now=now, data={"worker": worker})


@contextmanager
def _asked(place: Target) -> Iterator[None]:
    """Raises Conflict when the database does not answer."""
    try:
        target.need_answer(place)
        with target.told():
            yield
    except Unreachable as error:
        raise Conflict(f"The database of {place.environment} cannot be asked: {error}") from error


def _wish(row: MigrationRun, wish: Wish, reason: str, *, actor: Actor, now: datetime) -> MigrationRun:
    reason, before = check_text(reason), picture(row)
    row.wish, row.wished_by = wish.value, actor.name
    kind = {Wish.PAUSE: "pause_asked", Wish.ABORT: "abort_asked", Wish.LEAVE: "abort_asked"}[wish]
    save(row, kind, before, actor=actor, reason=reason, now=now)
    return row
