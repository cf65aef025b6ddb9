"""The clock's side of the ramps: take what is due, and follow what others did to the flags."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from django.db import transaction

from core.actors import CLOCK
from core.asking import ApprovalNeeded
from core.errors import DomainError
from core.freezes import FrozenError
from rollouts import selectors
from rollouts.domain.move import Complete, Hold, Take, Wait, next_move
from rollouts.domain.states import MOVING, RampState
from rollouts.models import Ramp
from rollouts.services.locking import Held, lock
from rollouts.services.steps import complete_if_done, hold_for_news, put_on_hold, take_next

log = logging.getLogger(__name__)


def advance_due(*, now: datetime) -> int:
    """Look at every planned and running ramp; how many steps were taken.

    First without a lock, all at once: of those that wait it is noted for what. What is to be moved is looked at again
    under its lock, each ramp in a transaction of its own. A ramp takes at most one step, however long the clock was
    away: the next one needs a verdict that was judged after this one. A ramp that fails is logged and does not keep
    the others from advancing.
    """
    ready = []
    for ramp, situation in selectors.situations(selectors.due(now=now), now=now):
        move = next_move(situation, now=now)
        if isinstance(move, Wait):
            _wait(ramp, move.why)
        else:
            ready.append(ramp.pk)
    return _each(ready, _tick, now=now)


def follow(*, now: datetime) -> int:
    """Hold the ramps whose flag somebody else switched or changed; how many were held. May be run any time."""
    moving = Ramp.objects.filter(state__in=MOVING).select_related("flag").order_by("id")
    touched = [ramp.pk for ramp in moving if selectors.news_for(ramp)]
    return _each(touched, _follow, now=now)


def _each(ramp_ids: list[int], work: Callable[..., bool], *, now: datetime) -> int:
    done = 0
    for ramp_id in ramp_ids:
        try:
            done += work(ramp_id, now=now)
        except Exception:
            log.exception("ramp %s", ramp_id)
    return done


@transaction.atomic
def _tick(ramp_id: int, *, now: datetime) -> bool:
    """One look at one ramp, under its lock and its flag's; True when a step was taken."""
    held = lock(ramp_id)
    if RampState(held.ramp.state) not in MOVING or hold_for_news(held, actor=CLOCK, now=now):
        return False
    match next_move(held.situation(now), now=now):
        case Take(step):
            return _take(held, f"{held.ramp.name}, {step.label}: due, soaked, all triggers pass.", now=now)
        case Wait(why):
            _wait(held.ramp, why)
        case Hold(why):
            put_on_hold(held, actor=CLOCK, reason=why, now=now)
        case Complete():
            complete_if_done(held, actor=CLOCK, now=now)
    return False


def _take(held: Held, reason: str, *, now: datetime) -> bool:
    """Take the step. It waits for people or the end of a freeze to let it through; any other refusal holds the ramp."""
    try:
        with transaction.atomic():
            take_next(held, actor=CLOCK, reason=reason, now=now)
    except (ApprovalNeeded, FrozenError) as refusal:
        _wait(held.ramp, str(refusal))
        return False
    except DomainError as refusal:
        put_on_hold(lock(held.ramp.pk), actor=CLOCK, reason=f"The step was refused: {refusal}", now=now)
        return False
    return True


def _wait(ramp: Ramp, why: str) -> None:
    """Note it, unless the ramp has moved on meanwhile."""
    if why != ramp.waiting_for:
        Ramp.objects.filter(pk=ramp.pk, version=ramp.version).update(waiting_for=why)


@transaction.atomic
def _follow(ramp_id: int, *, now: datetime) -> bool:
    held = lock(ramp_id)
    return RampState(held.ramp.state) in MOVING and hold_for_news(held, actor=CLOCK, now=now)
