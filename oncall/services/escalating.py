"""Escalations: begin, acknowledge, raise and stop. `ticking` takes their steps.

Nothing is sent here: what is to be told is an event in the same transaction, and the communications announce it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from core import environments, events
from core.actors import Actor
from core.errors import Invalid, NotFound
from core.texts import check_storable, check_text, need_text
from oncall import selectors
from oncall.domain import chain as chains
from oncall.domain.chain import LEVELS
from oncall.domain.running import MACHINE, EscalationState, Place, waited
from oncall.models import Escalation

MOST_SUBJECT, MOST_TITLE = 160, 200


@transaction.atomic
def start(
    subject: str,
    *,
    chain: str,
    title: str,
    level: int,
    actor: Actor,
    now: datetime,
    environment: str | None = None,
    reason: str = "",
) -> Escalation:
    """Begin to call people about a subject, by the chain as it is now. The first step is taken by the next tick.

    One that is live already, also one that is acknowledged, is returned as it is: a subject is escalated once.

    Args:
        subject: `<noun>:<key>`, such as `incident:12`.
        level: 1 to 3; some steps are only for the higher ones.

    Raises:
        NotFound: the chain or the environment is not there.
        Invalid: no subject or title, or another level.
    """
    found = selectors.live(subject)
    if found is not None:
        return found
    row = _new(subject, chain=chain, title=title, level=level, environment=environment)
    row.started_by, row.started_at, row.reason = actor.name, now, check_text(reason)
    first = waited(chains.stored(row.steps), Place(), level, now=now)
    row.position, row.due_at = first.place.position, first.at
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError:  # somebody else began at this moment
        other = selectors.live(subject)
        if other is None:
            raise
        return other
    tell("escalation.started", row, actor=actor, now=now, reason=row.reason, due_at=row.due_at.isoformat())
    return row


@transaction.atomic
def acknowledge(subject: str, *, actor: Actor, now: datetime, reason: str = "") -> Escalation:
    """Somebody has it: nobody else is called. A second acknowledgement changes nothing.

    Raises NotFound when nothing is escalated about the subject.
    """
    reason, row = check_text(reason), _hold(subject)
    if row.state == EscalationState.ACKNOWLEDGED:
        return row
    before = _move(row, EscalationState.ACKNOWLEDGED)
    row.acknowledged_by, row.acknowledged_at = actor.name, now
    _save(row)
    seconds = round((now - row.started_at).total_seconds())
    tell("escalation.acknowledged", row, actor=actor, now=now, reason=reason, before=before, seconds=max(0, seconds))
    return row


@transaction.atomic
def stop(subject: str, *, actor: Actor, reason: str, now: datetime) -> Escalation | None:
    """End it for good: the subject is over, or was never one. None when nothing is live about it."""
    try:
        row = _hold(subject)
    except NotFound:
        return None
    _end(row, actor=actor, reason=reason, now=now)
    return row


@transaction.atomic
def raise_level(subject: str, level: int, *, actor: Actor, reason: str, now: datetime, chain: str = "") -> Escalation:
    """It got worse (or, by a person, better): later steps are chosen by the new level.

    With another `chain` people are called by that one from its first step, also when somebody had acknowledged the
    lower level; the escalation so far is stopped. The same level and chain change nothing.

    Raises NotFound when nothing is live about the subject, or there is no such chain; Invalid for another level.
    """
    reason, row = check_text(reason), _hold(subject)
    if chain and chain != row.chain:
        environment = row.environment.key if row.environment else None
        _end(row, actor=actor, reason=reason, now=now)
        who: dict[str, Any] = {"actor": actor, "reason": reason, "now": now}
        return start(subject, chain=chain, title=row.title, level=level, environment=environment, **who)
    _check_level(level)
    if level == row.level:
        return row
    before = {"level": row.level}
    row.level = level
    _save(row)
    tell("escalation.level_changed", row, actor=actor, now=now, reason=reason, before=before)
    return row


def tell(
    kind: str,
    row: Escalation,
    *,
    actor: Actor,
    now: datetime,
    reason: str = "",
    before: dict[str, Any] | None = None,
    **data: Any,
) -> None:
    """One event about an escalation; call it in the transaction of the change."""
    events.record(
        kind,
        subject=f"escalation:{row.pk}",
        actor=actor,
        now=now,
        environment_id=row.environment_id,
        reason=reason,
        before=before,
        after={"state": row.state, "level": row.level} if before else None,
        data={
            "subject": row.subject,
            "title": row.title,
            "level": row.level,
            "chain": row.chain,
            "environment": row.environment.key if row.environment else "",
            **data,
        },
    )


def _new(subject: str, *, chain: str, title: str, level: int, environment: str | None) -> Escalation:
    subject = need_text(subject, "Name what it is about, such as incident:12.", field="subject", longest=MOST_SUBJECT)
    check_storable(title, field="title")
    if not title.strip():
        raise Invalid("Say in a few words what is wrong: the people who are called read this first.", field="title")
    _check_level(level)
    found = selectors.chain_of(chain)
    return Escalation(
        subject=subject,
        title=title.strip()[:MOST_TITLE],
        level=level,
        environment=environments.get(environment) if environment else None,
        chain=found.key,
        chain_name=found.name,
        steps=found.steps,
    )


def _check_level(level: int) -> None:
    if level not in LEVELS:
        raise Invalid(f"A level is 1, 2 or 3, not {level}.", field="level")


def _hold(subject: str) -> Escalation:
    """The locked live escalation about the subject."""
    locked = Escalation.objects.select_for_update(of=("self",)).select_related("environment")
    found = locked.filter(subject=subject, ended_at=None).first()
    if found is None:
        raise NotFound(f"Nothing is escalated about {subject} now.")
    return found


def _move(row: Escalation, target: EscalationState) -> dict[str, Any]:
    """Set the state; what there was before."""
    before = {"state": row.state, "level": row.level}
    row.state = MACHINE.move(EscalationState(row.state), target).value
    row.due_at = None
    return before


def _end(row: Escalation, *, actor: Actor, reason: str, now: datetime) -> None:
    before = _move(row, EscalationState.STOPPED)
    row.ended_by, row.ended_at, row.ended_reason = actor.name, now, check_text(reason)
    _save(row)
    tell("escalation.stopped", row, actor=actor, now=now, reason=reason, before=before)


def _save(row: Escalation) -> None:
    """Store a locked row as its next version, so that a tick which read the one before changes nothing."""
    row.version += 1
    row.save()
