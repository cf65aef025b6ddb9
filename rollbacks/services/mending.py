"""A rollback that has stopped at a step goes on only by a person: again, without it, done by hand, or not at all."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from core.actors import Actor
from core.errors import Conflict
from core.masking import masked
from core.texts import need_reason
from rollbacks import selectors
from rollbacks.domain.states import RollbackState, StepKind, StepState
from rollbacks.models import Rollback, RollbackStep
from rollbacks.services.claiming import finish_if_over, tell_step
from rollbacks.services.locking import close, hold, move, move_step, picture, save
from rollbacks.services.reverting import waited


@transaction.atomic
def retry(public_id: str, *, actor: Actor, now: datetime, version: int | None = None) -> Rollback:
    """Take the failed step again. It first looks whether it is done already, so nothing is undone twice."""
    row, step = _stopped(public_id, version)
    before = picture(row)
    move_step(step, StepState.PENDING)
    step.journal, error, step.error, step.ended_at = waited(step.journal), step.error, "", None
    step.save()
    move(row, RollbackState.RUNNING)
    tell_step(row, step, "rollback.retried", before, reason=error, now=now, actor=actor)
    return row


@transaction.atomic
def skip(public_id: str, *, reason: str, actor: Actor, now: datetime, version: int | None = None) -> Rollback:
    """Go on without the failed step. Conflict for the flags: whatever follows is done with them off."""
    row, step = _stopped(public_id, version)
    reason = need_reason(reason, "Say why it goes on without this step.")
    if step.kind == StepKind.FLAGS:
        raise Conflict("Flags come off first: this step cannot be left out. Retry it, or abort the rollback.")
    before = picture(row)
    _go_on(row, step, StepState.SKIPPED, now=now)
    tell_step(row, step, "rollback.skipped", before, reason=reason, now=now, actor=actor)
    finish_if_over(row, now=now)
    return row


@transaction.atomic
def record(public_id: str, *, result: str, actor: Actor, now: datetime, version: int | None = None) -> Rollback:
    """The application was reverted by hand: `result` is what was done and seen. Conflict for any other step."""
    row, step = _stopped(public_id, version)
    result = need_reason(result, "Say what was done and what was seen.")
    if step.kind != StepKind.APPLICATION:
        raise Conflict("Only the application can be reverted by hand.")
    step.output, step.error = masked(f"By hand, by {actor.name}: {result}"), ""
    before = picture(row)
    _go_on(row, step, StepState.DONE, now=now)
    tell_step(row, step, "rollback.step_done", before, reason=step.output, now=now, actor=actor, by_hand=True)
    finish_if_over(row, now=now)
    return row


@transaction.atomic
def abort(public_id: str, *, reason: str, actor: Actor, now: datetime, version: int | None = None) -> Rollback:
    """End it where it stands. What was done stays done: its flags stay off."""
    row, step = _stopped(public_id, version)
    reason = need_reason(reason, "Say why: what was done stays done.")
    before = picture(row)
    close(row, RollbackState.ABORTED, actor=actor, reason=reason, now=now)
    save(row, "rollback.aborted", before, actor=actor, reason=reason, now=now, data={"step": step.position + 1})
    return row


def _stopped(public_id: str, version: int | None) -> tuple[Rollback, RollbackStep]:
    """The locked rollback and the step at which it has stopped; Conflict when it has not."""
    row = hold(public_id, version=version)
    step = selectors.failed_step(row)
    if row.state != RollbackState.STOPPED or step is None:
        raise Conflict(f"Rollback {public_id} is {row.state}: only one that has stopped waits for this.")
    return row, step


def _go_on(row: Rollback, step: RollbackStep, state: StepState, *, now: datetime) -> None:
    move_step(step, state)
    step.ended_at = now
    step.save()
    move(row, RollbackState.RUNNING)
