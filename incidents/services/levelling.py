"""The level of an incident: up by itself, by a deadline or by a person; down only by a person who says why."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from core.actors import Actor
from core.errors import Conflict, Invalid
from core.texts import need_reason
from incidents import selectors
from incidents.domain.levels import Policies, Policy, level_of
from incidents.domain.states import Level
from incidents.models import Action, Incident
from incidents.services import acting, measuring, paging, vouching
from incidents.services.locking import hold, need_open, picture, save

OVERDUE = timedelta(minutes=5)  # a critical incident that nobody acknowledged for so long is told again


@transaction.atomic
def raise_level(
    number: int, level: int, *, reason: str, actor: Actor, now: datetime, version: int | None = None
) -> Incident:
    """A person takes it for worse. Raises Conflict for one that is not open, or at that level or above already."""
    target = read(level)
    reason = need_reason(reason, "Say why it is worse than it seemed.")
    row = hold(number, version=version)
    need_open(row, "raised")
    if target <= row.level:
        raise Conflict(f"Incident {number} is at level {row.level} already.")
    vouching.vouch(row, actor)
    lift(row, target, why=reason, actor=actor, now=now)
    return row


@transaction.atomic
def lower_level(
    number: int, level: int, *, reason: str, actor: Actor, now: datetime, version: int | None = None
) -> Incident:
    """A person takes it for less bad, and says why. Raises Conflict for one that is not open, or is not above that.

    What is measured at this moment is accepted by that: only something worse raises it again by itself.
    """
    target = read(level)
    reason = need_reason(reason, "Say why it is less bad than it seemed: others rely on the level.")
    row = hold(number, version=version)
    need_open(row, "lowered")
    if target >= row.level:
        raise Conflict(f"Incident {number} is at level {row.level}: it cannot be lowered to {target.value}.")
    before, known = picture(row), selectors.policies()
    looked = measuring.look(row.environment_id, row.environment.key, now=now)
    found, _ = level_of(looked.measured, known)
    row.level, row.accepted, row.confirmed = target.value, found.value if found else 0, False
    _set_deadline(row, known[target], now=now)
    add_actions(row, known[target])
    save(row, "level_lowered", before, actor=actor, reason=reason, now=now, data={"measured": looked.as_dict()})
    return row


def lift(
    row: Incident,
    level: Level,
    *,
    why: str,
    actor: Actor,
    now: datetime,
    confirmed: bool = False,
    data: Mapping[str, Any] | None = None,
) -> None:
    """Raise a locked incident: the list of the new level, its deadline, its people.

    `confirmed`: it is figures or an event that say so, neither a person nor a deadline.
    """
    before, policy = picture(row), selectors.policies()[level]
    row.level, row.highest, row.accepted = level.value, max(row.highest, level.value), 0
    row.confirmed = confirmed and level is Level.CRITICAL
    _set_deadline(row, policy, now=now)
    add_actions(row, policy)
    save(row, "level_raised", before, actor=actor, reason=why, now=now, data=data)
    acting.catch_up(row, now=now)
    paging.start(row, policy.chain, actor=actor, now=now)


def begin(row: Incident, policies: Policies, *, now: datetime) -> None:
    """The list and the deadline of an incident that was just opened, or opened again."""
    policy = policies[Level(row.level)]
    _set_deadline(row, policy, now=now)
    if row.pk:
        add_actions(row, policy)


def add_actions(row: Incident, policy: Policy) -> None:
    """The action list of a level, once."""
    Action.objects.bulk_create(
        (
            Action(
                incident=row,
                level=policy.level.value,
                position=position,
                text=todo.action,
                does=todo.does.value if todo.does else "",
            )
            for position, todo in enumerate(policy.actions)
        ),
        ignore_conflicts=True,
    )


def read(level: int) -> Level:
    """Raises Invalid for a number that is no level."""
    try:
        return Level(level)
    except ValueError:
        raise Invalid(f"There is no level {level}: 1, 2 or 3.", field="level") from None


def _set_deadline(row: Incident, policy: Policy, *, now: datetime) -> None:
    """When nobody acknowledged it by then, something happens: the next level, or it is told again."""
    row.overdue_at = None
    row.escalate_at = None if row.acknowledged_at else now + (policy.escalates_after or OVERDUE)
