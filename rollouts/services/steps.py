"""What happens to a locked ramp: its next step is taken, it is held, it is complete. Callers hold the locks."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from core.actors import Actor
from core.asking import Change
from flags.domain.change import StateChange
from flags.domain.permit import Permit
from flags.services import rollout
from rollouts import selectors
from rollouts.domain.hours import stored
from rollouts.domain.news import hold_reason
from rollouts.domain.schedule import delay, due_times
from rollouts.domain.states import ROLLED_OUT, RampState
from rollouts.models import RampStep
from rollouts.services.locking import Held, move, save


def take_next(held: Held, *, actor: Actor, reason: str, now: datetime, permit: Permit | None = None) -> RampStep:
    """Raise the flag to the next step, in the caller's transaction.

    A step of an approved ramp needs no word of its own once it is due: people approved the steps and their times.
    One that is taken before, and any of a ramp that nobody was asked about, is judged as a raise of its own.
    Raises Conflict when the flag has moved, and ApprovalNeeded and FrozenError as the gate says.
    """
    ramp, step, left = held.ramp, held.steps[held.ramp.position], selectors.left_by(held.ramp, held.steps)
    found = {"enabled": held.flag.enabled, "percentage": str(held.flag.percentage), "parameters": held.flag.parameters}
    rollout.change(
        ramp.flag.key,
        ramp.environment.key,
        StateChange(enabled=True, percentage=step.percentage, patch=selectors.patch_of(held.steps, step) or None),
        expected=StateChange(enabled=left.enabled, percentage=left.percentage),
        actor=actor,
        reason=reason,
        now=now,
        data={"ramp": ramp.pk, "step": step.position, "label": step.label},
        permit=permit or _permit(held, now=now),
        asked=Change("ramp.advance", ramp.flag.key, {"ramp": ramp.pk}),
    )
    step.taken_at, step.taken_by, step.before = now, actor.name, found
    step.save(update_fields=["taken_at", "taken_by", "before"])
    ramp.position = step.position
    ramp.soaking_since = now
    if RampState(ramp.state) is RampState.PLANNED:
        move(ramp, RampState.RUNNING, now=now)
    ramp.waiting_for = ""
    told = {
        "step": step.position,
        "label": step.label,
        "percentage": float(step.percentage),
        "monitoring": step.monitoring,
        **_tell(held, step),
        **move_plan(held, now=now),
    }
    save(held, "ramp.advanced", actor=actor, reason=reason, now=now, data=told)
    complete_if_done(held, actor=actor, now=now)
    return step


def _tell(held: Held, step: RampStep) -> dict[str, Any]:
    """Who hears of the step, for the event."""
    channels = selectors.level_of(held.ramp, step).tell
    return {"tell": list(channels)} if channels else {}


def _permit(held: Held, *, now: datetime) -> Permit | None:
    approved, step = held.ramp.request is not None, held.steps[held.ramp.position]
    return Permit("ramp", held.ramp.pk) if approved and step.due_at <= now else None


def move_plan(held: Held, *, now: datetime) -> dict[str, int]:
    """Keep the planned time between the step the flag stands at since `now` and the next; what the event says of it."""
    last, open_steps = selectors.last_taken(held.steps), held.steps[held.ramp.position :]
    if last is None or not open_steps:
        return {}
    gap = timedelta(seconds=sum(step.gap for step in held.steps[last.position : held.ramp.position + 1]))
    later = delay(open_steps[0].due_at, stands_since=now, gap=gap)
    if not later:
        return {}
    before = open_steps[0].due_at
    set_times(held, first=before + later)
    return {"moved_seconds": int((open_steps[0].due_at - before).total_seconds())}


def set_times(held: Held, *, first: datetime) -> None:
    """Make the next step due at `first`, and the later ones at their planned distance, all in the ramp's hours."""
    open_steps = held.steps[held.ramp.position :]
    times = due_times([step.gap for step in open_steps], first=first, hours=stored(held.ramp.hours))
    for step, due_at in zip(open_steps, times, strict=True):
        step.due_at = due_at
    RampStep.objects.bulk_update(open_steps, ["due_at"])


def complete_if_done(held: Held, *, actor: Actor, now: datetime) -> None:
    """End the ramp when no step is left. Only one that took its last step has rolled its flag out."""
    if held.next is not None:
        return
    move(held.ramp, RampState.COMPLETED, now=now)
    last = selectors.last_taken(held.steps)
    if last is held.steps[-1]:
        save(held, "ramp.completed", actor=actor, reason=ROLLED_OUT, now=now, data={"rolled_out": last.label})
        return
    at = f" at {last.label}" if last else " with every step skipped"
    save(held, "ramp.completed", actor=actor, reason=f"No step is left; ended{at}.", now=now)


def put_on_hold(held: Held, *, actor: Actor, reason: str, now: datetime, data: dict[str, Any] | None = None) -> None:
    """Stop the clock for this ramp; only a person starts it again."""
    move(held.ramp, RampState.HELD, now=now)
    held.ramp.hold_reason, held.ramp.held_at = reason, now
    save(held, "ramp.held", actor=actor, reason=reason, now=now, data=data)


def hold_for_news(held: Held, *, actor: Actor, now: datetime) -> bool:
    """Hold the ramp when somebody else changed its flag; the first such event is named. False: there was none."""
    news = selectors.news_for(held.ramp)
    if not news:
        return False
    held.ramp.followed_event = news[-1].event_id
    put_on_hold(
        held, actor=actor, reason=hold_reason(news[0]), now=now, data={"events": [row.event_id for row in news]}
    )
    return True


def give_back(held: Held, step: RampStep, *, now: datetime) -> dict[str, Any]:
    """Open the last taken step again, and those skipped since; what the event says of it. Does not touch the flag."""
    again = [each for each in held.steps[step.position - 1 :] if each.taken_at or each.skipped_at]
    for each in again:
        each.taken_at = each.skipped_at = each.before = None
        each.taken_by = each.skipped_by = ""
    RampStep.objects.bulk_update(again, ["taken_at", "taken_by", "before", "skipped_at", "skipped_by"])
    held.ramp.position, held.ramp.soaking_since = step.position - 1, now
    return {"step": step.position, "label": step.label, **move_plan(held, now=now)}
