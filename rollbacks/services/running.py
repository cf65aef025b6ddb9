"""Confirmed rollbacks are done, step by step. A step is taken with a lease, done, and noted (claiming.py).

What a step does to the cluster or to nctool's database is done outside any transaction; a worker that dies on the
way leaves a lease behind, and whoever takes the step then first looks whether it is done already.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from functools import partial

from rollbacks import selectors
from rollbacks.adapters.kubectl import connect as kubectl
from rollbacks.adapters.ports import Connect
from rollbacks.domain.outcome import Done, Failed, Outcome
from rollbacks.domain.states import StepKind
from rollbacks.services import aftermath, reverting
from rollbacks.services.claiming import Claim, claim, settle

log = logging.getLogger(__name__)


def advance(*, clock: Callable[[], datetime], connect: Connect = kubectl) -> int:
    """Go on with every running rollback as far as it goes now; how many steps were done.

    Args:
        clock: asked before and after each step, since a step takes time.

    Any number of callers may do this at once. One rollback that breaks does not keep the others.
    """
    return sum(_run(rollback_id, clock=clock, connect=connect) for rollback_id in selectors.running_ids())


def switch_off(public_id: str, *, now: datetime) -> None:
    """Do the first step of a rollback that was just confirmed, when that is to switch flags off: one transaction."""
    row = selectors.get(public_id)
    first = selectors.next_step(row.pk, now=now)
    if first is not None and first.kind == StepKind.FLAGS:
        _take(row.pk, clock=lambda: now, connect=kubectl)


def _run(rollback_id: int, *, clock: Callable[[], datetime], connect: Connect) -> int:
    done = 0
    try:
        while isinstance(_take(rollback_id, clock=clock, connect=connect), Done):
            done += 1
    except Exception:
        log.exception("rollback %s", rollback_id)
    return done


def _take(rollback_id: int, *, clock: Callable[[], datetime], connect: Connect) -> Outcome | None:
    taken = claim(rollback_id, now=clock())
    if taken is None:
        return None
    try:
        if taken.step.kind == StepKind.FLAGS:
            now = clock()
            return settle(taken, partial(reverting.switch_off, taken, now=now), now=now)
        outcome = _act(taken, clock=clock, connect=connect)
    except Exception as error:  # whatever it is: the rollback stops there, and a person decides
        log.exception("%s", taken.step)
        outcome = Failed(f"{type(error).__name__}: {error}")
    return settle(taken, lambda: outcome, now=clock())


def _act(taken: Claim, *, clock: Callable[[], datetime], connect: Connect) -> Outcome:
    """Everything but the flags: outside any transaction."""
    kind, now = StepKind(taken.step.kind), clock()
    if kind is StepKind.APPLICATION:
        return reverting.application(taken, now=now, connect=connect)
    if kind is StepKind.DATABASE:
        return reverting.database(taken, now=now)
    if kind is StepKind.SERVED:
        return aftermath.served(taken, now=now)
    if kind is StepKind.VALIDATE:
        return aftermath.validated(taken, now=now)
    return aftermath.announced(taken)
