"""A step is taken by one worker at a time, and what came of it is written only by the holder of the newest fence."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Coalesce

from core.actors import CLOCK, Actor
from core.masking import masked
from rollbacks import selectors
from rollbacks.domain.deciding import LEASE
from rollbacks.domain.outcome import Done, Failed, Outcome, Waiting
from rollbacks.domain.states import RollbackState, StepState
from rollbacks.models import Rollback, RollbackStep
from rollbacks.services.locking import close, hold, move, move_step, picture, save

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Claim:
    """A step that is ours until its lease is over."""

    step: RollbackStep
    rollback: Rollback

    def journal(self, **noted: Any) -> bool:
        """Write down what has to be known after a crash; False when the step is not ours any more."""
        self.step.journal = {**self.step.journal, **noted}
        return bool(_mine(self).update(journal=self.step.journal))


def claim(rollback_id: int, *, now: datetime) -> Claim | None:
    """Take the next step of a rollback; None when there is none that is free. Of two callers one gets it.

    One that has stopped or is over has none: it stands at a failed step, or has none left.
    """
    found = selectors.next_step(rollback_id, now=now)
    if found is None:
        return None
    # Without a join: with one, PostgreSQL would not look again at a row that somebody else has just taken.
    free = RollbackStep.objects.filter(pk=found.pk, fence=found.fence, state=found.state)
    taken = free.update(
        state=StepState.RUNNING.value,
        lease_until=now + LEASE,
        fence=F("fence") + 1,
        tries=F("tries") + 1,
        started_at=Coalesce(F("started_at"), now),
    )
    if not taken:
        return None
    return Claim(RollbackStep.objects.get(pk=found.pk, fence=found.fence + 1), selectors.by_pk(rollback_id))


@transaction.atomic
def settle(claim: Claim, effect: Callable[[], Outcome], *, now: datetime) -> Outcome | None:
    """Write what came of a step, and what that makes of its rollback; None when the step is not ours any more.

    `effect` is called with everything locked: what it does to the database is done together with the note of it.
    """
    row = hold(claim.rollback.public_id)
    if _mine(claim).select_for_update().first() is None:
        log.warning("%s: somebody else has it by now", claim.step)
        return None
    outcome = effect()
    if isinstance(outcome, Waiting):
        _write(claim, StepState.PENDING, now=now, output=outcome.output, tries=max(0, claim.step.tries - 1))
    elif isinstance(outcome, Failed):
        _fail(row, claim, outcome, now=now)
    else:
        _done(row, claim, outcome, now=now)
    return outcome


def finish_if_over(row: Rollback, *, now: datetime) -> None:
    """End a locked rollback none of whose steps is left, and tell it."""
    over = (StepState.DONE.value, StepState.SKIPPED.value)
    if row.steps.exclude(state__in=over).exists():
        return
    before = picture(row)
    skipped = [step.get_kind_display() for step in row.steps.filter(state=StepState.SKIPPED.value)]
    told = f"Done, without {', '.join(skipped)}." if skipped else "Every step was done."
    close(row, RollbackState.DONE, actor=CLOCK, reason=told, now=now)
    evidence = {
        "seconds": round((now - row.confirmed_at).total_seconds(), 1) if row.confirmed_at else 0,
        "confirmed_by": row.confirmed_by,
        **({"emergency": "confirmed by one person alone"} if row.emergency else {}),
        **({"left_out": ", ".join(skipped)} if skipped else {}),
    }
    data = {"severity": "info", "evidence": evidence}
    save(row, "rollback.completed", before, actor=CLOCK, reason=f"{told} {row.reason}", now=now, data=data)


def tell_step(
    row: Rollback,
    step: RollbackStep,
    kind: str,
    before: Mapping[str, Any],
    *,
    reason: str,
    now: datetime,
    actor: Actor = CLOCK,
    **more: Any,
) -> None:
    """One event about a step of a locked rollback, which is stored with it."""
    data = {"step": step.position + 1, "kind": step.kind, **more}
    save(row, kind, before, actor=actor, reason=reason, now=now, data=data)


def _mine(claim: Claim) -> Any:
    return RollbackStep.objects.filter(pk=claim.step.pk, fence=claim.step.fence, state=StepState.RUNNING.value)


def _write(claim: Claim, state: StepState, *, now: datetime, **fields: Any) -> None:
    step = claim.step
    move_step(step, state)
    step.lease_until = None
    for name, value in fields.items():
        setattr(step, name, value)
    if state in (StepState.DONE, StepState.FAILED):
        step.ended_at = now
    step.save()


def _done(row: Rollback, claim: Claim, outcome: Done, *, now: datetime) -> None:
    journal: Mapping[str, Any] = {**claim.step.journal, **outcome.journal}
    output = masked(outcome.output)
    _write(claim, StepState.DONE, now=now, output=output, error="", journal=journal)
    tell_step(row, claim.step, "rollback.step_done", picture(row), reason=output, now=now)
    finish_if_over(row, now=now)


def _fail(row: Rollback, claim: Claim, outcome: Failed, *, now: datetime) -> None:
    before, error = picture(row), masked(outcome.error)
    _write(claim, StepState.FAILED, now=now, output="", error=error)
    move(row, RollbackState.STOPPED)
    tell_step(row, claim.step, "rollback.step_failed", before, reason=error, now=now, severity="critical")
