"""Another person's word: confirm, which begins at once; refuse; and the end of those that nobody decided on."""

from __future__ import annotations

import logging
from datetime import datetime

from django.db import IntegrityError, transaction

from core.actors import CLOCK, Actor
from core.errors import Conflict, NotFound, Refused
from core.texts import need_reason
from rollbacks import selectors
from rollbacks.adapters.kubectl import connect as kubectl
from rollbacks.adapters.ports import Connect
from rollbacks.domain import deciding
from rollbacks.domain.states import RollbackState
from rollbacks.models import Rollback, RollbackStep
from rollbacks.services import planning, requesting, running
from rollbacks.services.locking import close, hold, move, need_requested, picture, save
from rollbacks.services.planning import Seen

log = logging.getLogger(__name__)


def confirm(
    public_id: str,
    *,
    digest: str,
    actor: Actor,
    now: datetime,
    emergency: bool = False,
    connect: Connect = kubectl,
) -> Rollback:
    """Say yes to exactly this plan, and begin: its flags are off when this returns. A worker does the rest.

    Args:
        digest: of the plan that the person looked at.
        emergency: by one person alone, who may have asked for it; the door has just asked for the password again.

    Raises:
        Refused: the actor is no person, or asked for it; of an emergency: the lane is closed.
        Conflict: it is decided already or expired, another one is under way there, or what there is has moved since
            the plan was made: then it is planned anew, and that plan has to be confirmed.
    """
    seen = _look(public_id, connect)
    moved = _confirm(public_id, seen, digest=digest, emergency=emergency, actor=actor, now=now)
    if moved:
        raise Conflict(f"What there is has moved, so this was planned anew: {moved} Look at it again, then decide.")
    try:
        running.switch_off(public_id, now=now)
    except Exception:  # it is confirmed: a worker does this step too
        log.exception("rollback %s", public_id)
    return selectors.get(public_id)


@transaction.atomic
def refuse(public_id: str, *, reason: str, actor: Actor, now: datetime) -> Rollback:
    """Decide against it, for good; whoever asked for it takes it back so. Only people and commands do: Refused."""
    row = hold(public_id)
    reason = need_reason(reason, "Say why: whoever asked has to know.")
    need_requested(row, "refused", now=now)
    before = picture(row)
    close(row, RollbackState.REFUSED, actor=actor, reason=reason, now=now)
    save(row, "rollback.refused", before, actor=actor, reason=reason, now=now)
    return row


def watch(*, now: datetime, connect: Connect = kubectl) -> None:
    """Close the requests whose time is over, and plan those anew whose flags have moved."""
    for row in selectors.requested():
        try:
            if now >= row.expires_at:
                _expire(row.public_id, now=now)
            elif _flags_moved(row):
                _again(row.public_id, _look(row.public_id, connect), now=now)
        except Exception:
            log.exception("rollback %s", row.public_id)


def _look(public_id: str, connect: Connect) -> Seen:
    """Ask the cluster, before anything is locked."""
    return planning.see(requesting.wanted_of(selectors.get(public_id)), connect)


@transaction.atomic
def _confirm(public_id: str, seen: Seen, *, digest: str, emergency: bool, actor: Actor, now: datetime) -> str:
    """Confirm it, or plan it anew and say what has moved."""
    row = hold(public_id)
    why_not = deciding.not_allowed(actor, row.contributors, emergency=emergency)
    if why_not:
        raise Refused(why_not)
    need_requested(row, "confirmed", now=now)
    lane = selectors.lane(row.environment.key, person=actor.name) if emergency else ""
    if emergency and not lane:
        raise Refused(
            f"The emergency lane of {row.environment} is closed: no trigger has fired, no critical alert fires and no "
            "critical incident is open there but by your own word. Another person has to confirm this."
        )
    if digest != row.digest:
        raise Conflict(f"Rollback {public_id} is not what you looked at any more. Look at it again, then decide.")
    moved = requesting.lay_again(row, seen, actor=actor, now=now)
    if not moved:
        _begin(row, actor=actor, emergency=emergency, lane=lane, now=now)
    return moved


def _begin(row: Rollback, *, actor: Actor, emergency: bool, lane: str, now: datetime) -> None:
    other = selectors.under_way(row.environment_id)
    if other is not None:
        raise Conflict(
            f"Rollback {other.public_id} is {other.state} in {row.environment}: finish or abort that one first."
        )
    before = picture(row)
    move(row, RollbackState.RUNNING)
    row.confirmed_by, row.confirmed_at, row.emergency = actor.name, now, emergency
    try:
        with transaction.atomic():
            data = {"digest": row.digest, "lane": lane, "severity": "critical"}
            save(row, "rollback.confirmed", before, actor=actor, reason=lane or row.reason, now=now, data=data)
    except IntegrityError:
        raise Conflict(f"Another rollback has just begun in {row.environment}. Look at that one first.") from None
    RollbackStep.objects.bulk_create(
        RollbackStep(rollback=row, position=position, kind=step["kind"], what=step["what"], lines=step["lines"])
        for position, step in enumerate(row.plan["steps"])
    )


@transaction.atomic
def _expire(public_id: str, *, now: datetime) -> None:
    row = hold(public_id)
    if row.state == RollbackState.REQUESTED and now >= row.expires_at:
        before, reason = picture(row), "Nobody confirmed it in time."
        close(row, RollbackState.EXPIRED, actor=CLOCK, reason=reason, now=now)
        save(row, "rollback.expired", before, actor=CLOCK, reason=reason, now=now)


@transaction.atomic
def _again(public_id: str, seen: Seen, *, now: datetime) -> None:
    row = hold(public_id)
    if row.state == RollbackState.REQUESTED and now < row.expires_at:
        requesting.lay_again(row, seen, actor=CLOCK, now=now)


def _flags_moved(row: Rollback) -> bool:
    """Whether other flags are on by now, or at other percentages: cheap enough to be asked at every tick."""
    planned: list[object] = next((step["what"]["flags"] for step in row.plan["steps"] if step["kind"] == "flags"), [])
    try:
        return planning.flags_on(requesting.wanted_of(row)) != planned
    except NotFound:  # the flag was archived
        return True
