"""People ask for runs and decide on them; nobody approves what they asked for in a protected environment."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

import flags.selectors
from core import environments
from core.actors import CLOCK, Actor, ActorKind
from core.errors import Conflict, Refused
from core.texts import need_reason
from migrations_app import selectors
from migrations_app.adapters import modules
from migrations_app.domain.migration import PhaseName
from migrations_app.domain.states import (
    EXPIRES_AFTER,
    TO_TAKE_BACK,
    Direction,
    LogStatus,
    RunState,
)
from migrations_app.models import MigrationRun
from migrations_app.services import planning, readiness
from migrations_app.services.keeping import need_journal
from migrations_app.services.planning import Wanted
from migrations_app.services.rows import hold, move, need_state, picture, save


def request(wanted: Wanted, *, reason: str, actor: Actor, now: datetime) -> MigrationRun:
    """Ask for a run. In a protected environment another person has a day to approve it; elsewhere it begins at once.

    Raises Conflict when the database is not ready, another run is under way, or the order of migrations is broken;
    Invalid without a reason.
    """
    reason = need_reason(reason)
    planning.need_order(wanted, now=now)
    look = readiness.look(wanted.environment, wanted.loaded.migration, wanted.phases, now=now)
    readiness.need_ready(look)
    plan = {**planning.plan(wanted), "readiness": look.as_dict()}
    row = _row(wanted.environment, plan, reason=reason, actor=actor, now=now)
    migration = wanted.loaded.migration
    row.number, row.name, row.checksum = migration.number, migration.name, wanted.loaded.checksum
    row.phases, row.canary, row.traffic = list(wanted.phases), wanted.canary, wanted.traffic.value
    return _open(row, now=now, actor=actor)


def request_rollback(
    uid: str,
    phases: Collection[str] = (),
    *,
    reason: str,
    actor: Actor,
    now: datetime,
    approved_by: str = "",
) -> MigrationRun:
    """Ask for a run to be taken back, whole or in some of its phases; what it journaled is put back.

    Args:
        approved_by: who has confirmed it elsewhere already, as a rollback by two people; it then begins at once.

    Raises Conflict while a flag that needs the migration is on, after a later migration or a cleanup, for a run that
    is not over, and for one whose journal was dropped.
    """
    reason = need_reason(reason)
    of = selectors.get(uid)
    need_state(of, TO_TAKE_BACK, "taken back")
    need_journal(of)
    chosen = _phases_back(of, phases)
    need_flags_off(of)
    _need_last(of)
    plan = {"target": of.plan.get("target", ""), "of": of.uid, "phases": [{"name": name} for name in chosen]}
    plan |= {"documents": sum(of.result.get("changed", {}).values()), "checksum": of.checksum}
    row = _row(of.environment.key, plan, reason=reason, actor=actor, now=now)
    row.direction, row.of, row.number, row.name = Direction.DOWN.value, of, of.number, of.name
    row.phases, row.checksum, row.traffic = chosen, of.checksum, of.traffic
    if approved_by:
        row.approved_by, row.approved_at = approved_by, now
    return _open(row, now=now, actor=actor)


@transaction.atomic
def approve(uid: str, *, digest: str, actor: Actor, now: datetime) -> MigrationRun:
    """Say yes to exactly this plan: a worker begins within seconds.

    Raises Refused when the actor is no person or asked for it; Conflict when it is decided, expired, or not what the
    person looked at, or another run is under way there.
    """
    row = hold(uid)
    if actor.kind is not ActorKind.PERSON:
        raise Refused("A person approves a migration.")
    if actor.name in row.contributors:
        raise Refused("You asked for this: another person has to approve it.")
    _need_requested(row, "approved", now=now)
    if digest != row.digest:
        raise Conflict(f"Migration run {uid} is not what you looked at. Look at it again, then decide.")
    if row.direction == Direction.DOWN and row.of is not None:
        need_flags_off(row.of)
    before = picture(row)
    row.approved_by, row.approved_at = actor.name, now
    _start(row)
    save(row, "approved", before, actor=actor, reason=row.reason, now=now, data={"digest": digest})
    return row


@transaction.atomic
def refuse(uid: str, *, reason: str, actor: Actor, now: datetime) -> MigrationRun:
    """Decide against it, for good; whoever asked for it takes it back so."""
    row = hold(uid)
    reason = need_reason(reason)
    _need_requested(row, "refused", now=now)
    before = picture(row)
    move(row, RunState.REFUSED)
    row.closed_by, row.closed_reason = actor.name, reason
    save(row, "refused", before, actor=actor, reason=reason, now=now)
    return row


def expire(*, now: datetime) -> int:
    """Close the requests that nobody decided on in time; how many."""
    rows = MigrationRun.objects.filter(state=RunState.REQUESTED.value, expires_at__lte=now)
    return sum(_expire(uid, now=now) for uid in rows.values_list("uid", flat=True)[:100])


def need_flags_off(of: MigrationRun) -> None:
    """Raises Conflict while a flag that needs the migration is on there."""
    migration = modules.get(of.number).migration
    on = [
        state.flag.key
        for state in flags.selectors.states(of.environment.key)
        if state.flag.key in migration.needed_by and state.enabled
    ]
    if on:
        raise Conflict(
            f"{', '.join(on)} is on in {of.environment} and needs migration {of.number}: switch it off first, or ask "
            "for a rollback of everything, which does both in the right order."
        )


def _row(environment: str, plan: dict[str, Any], *, reason: str, actor: Actor, now: datetime) -> MigrationRun:
    return MigrationRun(
        uid=f"mr-{now:%Y%m%d-%H%M%S}-{secrets.token_hex(3)}",
        environment=environments.get(environment),
        reason=reason,
        plan=plan,
        digest=planning.digest_of(plan, reason),
        contributors=flags.selectors.people_behind(actor, environment),
        requested_by=actor.name,
        requested_by_kind=actor.kind.value,
        requested_at=now,
        expires_at=now + EXPIRES_AFTER,
    )


@transaction.atomic
def _open(row: MigrationRun, *, actor: Actor, now: datetime) -> MigrationRun:
    twin = MigrationRun.objects.filter(
        environment=row.environment, number=row.number, direction=row.direction, state=RunState.REQUESTED.value
    ).first()
    if twin is not None and now < twin.expires_at:
        raise Conflict(f"The same is asked for already, by {twin.requested_by}: {twin.uid}.")
    if row.of is not None:
        need_journal(hold(row.of.uid))  # held, so that it is not dropped while this is opened
    at_once = bool(row.approved_by) or not row.environment.protected
    if at_once:
        _start(row)
    save(row, "requested", {}, actor=actor, reason=row.reason, now=now, data={"at_once": at_once})
    return row


def _start(row: MigrationRun) -> None:
    other = selectors.under_way(row.environment.key)
    if other is not None:
        raise Conflict(f"Run {other.uid} is {other.state.replace('_', ' ')} in {row.environment}: that one first.")
    move(row, RunState.APPROVED)
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError:
        raise Conflict(f"Another run has just begun in {row.environment}. Look at that one first.") from None


def _phases_back(of: MigrationRun, phases: Collection[str]) -> list[str]:
    """Those that were asked for and are not back yet; later phases always before earlier ones."""
    logs = {log.phase: log.status for log in of.logs.all()}
    there = [name for name in of.phases if name in logs and logs[name] != LogStatus.ROLLED_BACK.value]
    chosen = [name for name in there if name in phases] if phases else there
    if not chosen:
        raise Conflict(f"There is nothing of {of.uid} left to take back.")
    order = [phase.value for phase in PhaseName]
    after = [name for name in there if name not in chosen and order.index(name) > order.index(chosen[0])]
    if after:
        raise Conflict(f"{', '.join(after)} came after {chosen[0]}: take that back too, or first.")
    return chosen


def _need_last(of: MigrationRun) -> None:
    """What came after a run stands on it: the newest is taken back first."""
    later = selectors.runs(of.environment.key).filter(
        id__gt=of.pk, direction=Direction.UP.value, state__in=sorted(state.value for state in TO_TAKE_BACK)
    )
    newer = next((row for row in later if row.logs.exclude(status=LogStatus.ROLLED_BACK.value).exists()), None)
    if newer is not None:
        raise Conflict(f"Run {newer.uid} ({newer.title}) came after it: take that one back first.")


def _need_requested(row: MigrationRun, verb: str, *, now: datetime) -> None:
    need_state(row, {RunState.REQUESTED}, verb)
    if now >= row.expires_at:
        raise Conflict(f"{row.uid} expired at {row.expires_at:%Y-%m-%d %H:%M %Z}. Ask for it again.")


@transaction.atomic
def _expire(uid: str, *, now: datetime) -> bool:
    row = hold(uid)
    if row.state != RunState.REQUESTED or now < row.expires_at:
        return False
    before = picture(row)
    move(row, RunState.EXPIRED)
    save(row, "expired", before, actor=CLOCK, reason="Nobody decided on it in time.", now=now)
    return True
