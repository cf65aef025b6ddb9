"""A person steers a ramp. Each command locks ramp and flag, checks, changes, and writes one event with the reason.

`version` is what the caller saw of the ramp: StaleVersion when it has moved on since. Every command raises
Invalid without a reason, NotFound for an unknown ramp, and IllegalMove or Conflict when the ramp or its
flag is not in a state for it.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from core.actors import Actor, ActorKind
from core.asking import Change
from core.errors import Conflict, Refused
from core.texts import need_reason
from flags.domain.change import StateChange
from flags.domain.permit import Permit
from flags.services import emergency, rollout
from rollouts import selectors
from rollouts.domain.gate import in_danger
from rollouts.domain.hours import stored
from rollouts.domain.move import changed_by_others
from rollouts.domain.schedule import check_moved, due_times
from rollouts.domain.states import LIVE, MOVING, RampState
from rollouts.models import Ramp
from rollouts.services.locking import Held, lock, move, save
from rollouts.services.steps import complete_if_done, give_back, move_plan, put_on_hold, set_times, take_next


@transaction.atomic
def advance(
    ramp_id: int,
    *,
    actor: Actor,
    reason: str,
    now: datetime,
    version: int | None = None,
    permit: Permit | None = None,
) -> Ramp:
    """Take the next step now, before it is due, soaked or proven (few samples, no data): that is the person's word.

    Raises ApprovalNeeded for a step before its time that the rules take for a raise (`steps.take_next`), and
    Conflict when the flag is not as the ramp left it (disabled, changed), when a plan has not come to its phase, and
    when a trigger of the flag is in BREACH or has fired: no word overrides those.
    """
    reason = need_reason(reason)
    held = lock(ramp_id, version=version)
    _need_moving(held, "advanced")
    situation = held.situation(now)
    why = changed_by_others(situation) or situation.blocked or in_danger(situation.watches)
    if why:
        raise Conflict(f"{held.ramp} cannot advance. {why}")
    take_next(held, actor=actor, reason=reason, now=now, permit=permit)
    return held.ramp


@transaction.atomic
def hold(ramp_id: int, *, actor: Actor, reason: str, now: datetime, version: int | None = None) -> Ramp:
    """Stop the ramp where it stands; the flag keeps its percentage."""
    reason = need_reason(reason)
    held = lock(ramp_id, version=version)
    if held.next is None:
        raise Conflict(f"{held.ramp} is {held.ramp.state.replace('_', ' ')}: no step is left that could be held.")
    put_on_hold(held, actor=actor, reason=reason, now=now)
    return held.ramp


@transaction.atomic
def resume(
    ramp_id: int,
    *,
    actor: Actor,
    reason: str,
    now: datetime,
    version: int | None = None,
    permit: Permit | None = None,
) -> Ramp:
    """Let the clock go on. A flag that is off or was changed is first set to the last taken step again.

    `selectors.resume_effect` says so beforehand. When the flag had to be set, the soak time and the planned time
    to the next step start over.
    Refused for a machine, unless people approved it. ApprovalNeeded and FrozenError when setting the flag is a raise
    for which the gate wants more. Conflict while a trigger of the flag has fired or is in BREACH, and before the
    first step while the flag is halted by an emergency disable or a rollback.
    """
    if actor.kind is ActorKind.MACHINE and permit is None:
        raise Refused("Only a person resumes a ramp.")
    reason = need_reason(reason)
    held = lock(ramp_id, version=version)
    ramp = held.ramp
    if RampState(ramp.state) is not RampState.HELD:
        raise Conflict(f"{ramp} is {ramp.state.replace('_', ' ')}; only a held ramp can be resumed.")
    started = selectors.last_taken(held.steps) is not None
    move(ramp, RampState.RUNNING if started or now >= ramp.starts_at else RampState.PLANNED, now=now)
    danger = in_danger(held.situation(now).watches)
    if danger:
        raise Conflict(f"{ramp} cannot be resumed. {danger}")
    told = {}
    if _restore(held, actor=actor, reason=reason, now=now, permit=permit):
        ramp.soaking_since = now
        told = move_plan(held, now=now)
    ramp.followed_event = selectors.last_event_of(ramp.flag.key, ramp.environment_id)
    save(held, "ramp.resumed", actor=actor, reason=reason, now=now, data=told)
    return ramp


@transaction.atomic
def skip(ramp_id: int, *, actor: Actor, reason: str, now: datetime, version: int | None = None) -> Ramp:
    """Leave out the next step. The flag stays as it is; the step after it also applies the skipped parameters."""
    reason = need_reason(reason)
    held = lock(ramp_id, version=version)
    _need_moving(held, "skipped ahead")
    step = held.steps[held.ramp.position]
    step.skipped_at, step.skipped_by = now, actor.name
    step.save(update_fields=["skipped_at", "skipped_by"])
    held.ramp.position = step.position
    held.ramp.waiting_for = ""
    told = {"step": step.position, "label": step.label}
    save(held, "ramp.skipped", actor=actor, reason=reason, now=now, data=told)
    complete_if_done(held, actor=actor, now=now)
    return held.ramp


@transaction.atomic
def reschedule(
    ramp_id: int, to: datetime, *, actor: Actor, reason: str, now: datetime, version: int | None = None
) -> Ramp:
    """Move the next step to another time, and the later ones with it; held ramps too. The flag stays as it is.

    Args:
        to: when the step is due, ahead of `now` by a year at most. Outside of the ramp's hours, the time at which
            they next begin is meant.

    Raises Invalid for another time, and Conflict for one before that which people approved, with the ramp as a whole.
    """
    reason = need_reason(reason)
    held = lock(ramp_id, version=version)
    step = held.next
    if step is None or RampState(held.ramp.state) not in LIVE:
        raise Conflict(f"{held.ramp} is {held.ramp.state.replace('_', ' ')}: no step is left that could be moved.")
    check_moved(to, now=now)
    approved = _approved_time(held)
    if approved is not None and to < approved:
        raise Conflict(
            f"People approved step {step.position} for {approved:%Y-%m-%d %H:%M} UTC or later: to take it before, "
            "advance the ramp, which asks them."
        )
    before = step.due_at
    set_times(held, first=to)
    held.ramp.waiting_for = ""
    told = {
        "step": step.position,
        "label": step.label,
        "from": before.isoformat(),
        "to": step.due_at.isoformat(),
        "moved_seconds": int((step.due_at - before).total_seconds()),
    }
    save(held, "ramp.moved", actor=actor, reason=reason, now=now, data=told)
    return held.ramp


def _approved_time(held: Held) -> datetime | None:
    """When the next step was due as people approved the ramp; None when nobody was asked."""
    if held.ramp.request is None:
        return None
    gaps = [step.gap for step in held.steps]
    return due_times(gaps, first=held.ramp.starts_at, hours=stored(held.ramp.hours))[held.ramp.position]


@transaction.atomic
def roll_back(ramp_id: int, *, actor: Actor, reason: str, now: datetime, version: int | None = None) -> str:
    """Switch the flag off and end the ramp for good; the rollback id. A new ramp starts over."""
    reason = need_reason(reason)
    held = lock(ramp_id, version=version)
    move(held.ramp, RampState.ROLLED_BACK, now=now)
    evidence = {"ramp": ramp_id, "position": held.ramp.position}
    rollback_id = emergency.roll_back(
        held.ramp.flag.key, held.ramp.environment.key, actor=actor, reason=reason, now=now, evidence=evidence
    )
    save(held, "ramp.rolled_back", actor=actor, reason=reason, now=now, data={"rollback_id": rollback_id})
    return rollback_id


@transaction.atomic
def step_back(ramp_id: int, *, actor: Actor, reason: str, now: datetime, version: int | None = None) -> Ramp:
    """Give back the last taken step: the flag becomes what it was before it, and the ramp is held until it is resumed.

    The parameters that the step set go back too; one that is off, or stands lower by now, is not raised. Going down
    waits for no approval, no freeze and no trigger. The step is open again, as are those skipped since; soak and the
    planned time to it begin anew.

    Raises Conflict as `selectors.cannot_step_back` says: before the first step, after a rollback, and for a completed
    ramp whose flag was changed or ramped again since.
    """
    reason = need_reason(reason)
    held = lock(ramp_id, version=version)
    ramp, step = held.ramp, selectors.last_taken(held.steps)
    why = selectors.cannot_step_back(ramp, held.steps, held.situation(now))
    if why or step is None or step.before is None:
        raise Conflict(f"{ramp} cannot step back. {why}")
    parameters = selectors.parameters_before(held.steps, step, held.flag.parameters)
    told = {"ramp": ramp.pk, "step": step.position, "label": step.label, "stepped_back": True}
    emergency.step_back(
        ramp.flag.key,
        ramp.environment.key,
        {**step.before, "parameters": parameters},
        actor=actor,
        reason=reason,
        now=now,
        data=told,
    )
    if RampState(ramp.state) is not RampState.HELD:
        move(ramp, RampState.HELD, now=now)
    ramp.hold_reason, ramp.held_at = f"{actor.name} took back {step.label}: {reason}", now
    done = give_back(held, step, now=now)
    ramp.followed_event = selectors.last_event_of(ramp.flag.key, ramp.environment_id)
    save(held, "ramp.stepped_back", actor=actor, reason=reason, now=now, data=done)
    return ramp


def _need_moving(held: Held, verb: str) -> None:
    state = RampState(held.ramp.state)
    if state not in MOVING:
        hint = " Resume it first." if state is RampState.HELD else ""
        raise Conflict(f"{held.ramp} is {state.value.replace('_', ' ')} and cannot be {verb}.{hint}")


def _restore(held: Held, *, actor: Actor, reason: str, now: datetime, permit: Permit | None) -> bool:
    """Bring the flag back to the last taken step; True when it had to be changed."""
    ramp, last = held.ramp, selectors.last_taken(held.steps)
    if last is None:
        _accept_as_base(held)
        return True
    wanted = StateChange(enabled=True, percentage=last.percentage)
    told = {"ramp": ramp.pk, "step": last.position, "resumed": True}
    before = held.flag.version
    state = rollout.change(
        ramp.flag.key,
        ramp.environment.key,
        wanted,
        actor=actor,
        reason=reason,
        now=now,
        data=told,
        permit=permit,
        asked=Change("ramp.resume", ramp.flag.key, {"ramp": ramp.pk}),
    )
    return state.version != before


def _accept_as_base(held: Held) -> None:
    """Before the first step the flag is nobody's yet: the ramp starts from what it finds now."""
    flag, first = held.flag, held.next
    if flag.disabled_at is not None:
        raise Conflict(
            f"{held.ramp.flag.key} was switched off in an emergency: {flag.disabled_reason} Enable it first."
        )
    if first is not None and flag.enabled and first.percentage < flag.percentage:
        raise Conflict(f"{held.ramp.flag.key} stands at {flag.percentage} % already: a ramp never goes back.")
    held.ramp.base_enabled, held.ramp.base_percentage = flag.enabled, flag.percentage
