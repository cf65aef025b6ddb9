"""Hold a rollback, save it, and tell of it.

The order of locks is everybody's: the configuration of the environment, the rollback, then its step, then flags.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from core import events
from core.actors import Actor
from core.errors import Conflict, NotFound, StaleVersion
from flags.services.locking import lock_configuration
from rollbacks.domain.states import MACHINE, STEPS, RollbackState, StepState
from rollbacks.models import Rollback, RollbackStep

__all__ = ["close", "hold", "move", "move_step", "need_requested", "picture", "save"]


def hold(public_id: str, *, version: int | None = None) -> Rollback:
    """The locked rollback, and nothing in its environment changes meanwhile. NotFound, StaleVersion."""
    key = Rollback.objects.filter(public_id=public_id).values_list("environment__key", flat=True).first()
    if key is None:
        raise NotFound(f"There is no rollback {public_id}.")
    lock_configuration(key)
    locked = Rollback.objects.select_for_update(of=("self",)).select_related("environment", "flag")
    found = locked.get(public_id=public_id)
    if version is not None and version != found.version:
        raise StaleVersion(f"Rollback {public_id}", expected=version, actual=found.version)
    return found


def need_requested(row: Rollback, verb: str, *, now: datetime) -> None:
    """Raise Conflict for one that is decided, or whose time is over."""
    if row.state != RollbackState.REQUESTED:
        by = f" (confirmed by {row.confirmed_by})" if row.confirmed_by else ""
        raise Conflict(f"Rollback {row.public_id} is {row.state}{by} and cannot be {verb}.")
    if now >= row.expires_at:
        raise Conflict(
            f"Rollback {row.public_id} expired at {row.expires_at:%Y-%m-%d %H:%M %Z} and cannot be {verb}. "
            "Ask for it again."
        )


def move(row: Rollback, target: RollbackState) -> None:
    """Set the state along the table of moves; IllegalMove when there is none."""
    row.state = MACHINE.move(RollbackState(row.state), target).value


def move_step(step: RollbackStep, target: StepState) -> None:
    step.state = STEPS.move(StepState(step.state), target).value


def close(row: Rollback, target: RollbackState, *, actor: Actor, reason: str, now: datetime) -> None:
    move(row, target)
    row.closed_by, row.closed_at, row.closed_reason = actor.name, now, reason


def save(
    row: Rollback,
    kind: str,
    before: Mapping[str, Any],
    *,
    actor: Actor,
    reason: str,
    now: datetime,
    data: Mapping[str, Any] | None = None,
) -> None:
    """Store the rollback as its next version, with one event that tells before and after."""
    row.version = row.version + 1 if row.pk else 1
    row.save()
    events.record(
        kind,
        subject=f"rollback:{row.public_id}",
        actor=actor,
        now=now,
        environment_id=row.environment_id,
        reason=reason,
        before=before,
        after=picture(row),
        data={
            "rollback_id": row.public_id,
            "component": row.component,
            **({"flag": row.flag.key} if row.flag else {}),
            "emergency": row.emergency,
            **(data or {}),
        },
    )


def picture(row: Rollback) -> dict[str, Any]:
    """The rollback as an event tells it."""
    steps = {step["title"]: "; ".join(step["lines"])[:1000] for step in row.plan["steps"]}
    return {"state": row.state, "risk": row.risk, "confirmed_by": row.confirmed_by, "plan": steps}
