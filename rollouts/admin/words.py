"""What a ramp and its commands do, in sentences for the operator."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.utils import timezone
from django.utils.safestring import SafeString

from core import beside, moments
from rollouts import selectors
from rollouts.domain.hours import stored
from rollouts.domain.radius import Radius
from rollouts.domain.situation import percent
from rollouts.models import Ramp, RampStep
from rollouts.selectors.radius import next_radius, resume_radius

if TYPE_CHECKING:
    from flags.models import FlagState


def reach(step: RampStep) -> str:
    """`25 %`, or `allow-list only`."""
    return "allow-list only" if step.allow_list_only else percent(step.percentage)


def risks(flag: str, environment: str, shares: Sequence[Decimal], *, approvals: int = 0, now: datetime) -> str:
    """What other apps tell about a ramp with steps of these percentages, of its first and of its highest: safe HTML."""
    first, highest = shares[0], max(shares)
    told = [(f"its first step, {percent(first)}", first)]
    if highest > first:
        told.append((f"its highest step, {percent(highest)}, if taken now", highest))
    parts = [
        beside.raise_parts(flag, environment, share, what=what, approvals=approvals, now=now) for what, share in told
    ]
    return SafeString("".join(parts))


def standing(state: FlagState) -> str:
    """What the flag does now: `off`, `enabled at 25 %`."""
    if not state.enabled:
        return "off"
    return f"enabled at {percent(state.percentage)}" if state.percentage else "enabled for its allow-list only"


def where(ramp: Ramp) -> str:
    return f"{ramp.flag.key} in {ramp.environment.name}"


def when(at: datetime, *, now: datetime) -> str:
    """`in 3 h (12:00:00 UTC)`."""
    local = timezone.localtime(now)
    return f"{moments.relative(at, now=local)} ({moments.clock(at, now=local)})"


def advance(view: selectors.RampView, state: FlagState, *, now: datetime) -> Sequence[str]:
    """What taking the next step now would do."""
    step = view.next
    if step is None:
        return ["This ramp has no step left."]
    told = [f"{where(view.ramp)} is {standing(state)}. It goes to {reach(step)} at once: step {step.position} "]
    told[0] += f"of {len(view.steps)}, {step.label}."
    told += _radius(next_radius(view, now=now))
    patch = selectors.patch_of([each.step for each in view.steps], step)
    if patch:
        told.append(f"Its parameters change: {', '.join(parameters(patch))}.")
    if view.waits_for and not view.waits_for.startswith("The clock takes it"):
        told.append(f"The clock would wait: {view.waits_for}")
    hours = stored(view.ramp.hours)
    closed = hours.why_not(now) if hours else ""
    if closed and closed != view.waits_for:
        told.append(f"Now is outside the hours of this ramp. {closed}")
    after = _after(view, step)
    if after is None:
        told.append("It is the last step: the ramp is completed with it.")
    else:
        soak = moments.span(timedelta(seconds=after.soak))
        told.append(f"The next step, {reach(after)}, then needs {soak} in which all triggers pass.")
    return told


def hold(view: selectors.RampView, state: FlagState) -> Sequence[str]:
    return [
        f"{where(view.ramp)} stays as it is: {standing(state)}.",
        "The clock takes no step of this ramp until a person resumes it.",
    ]


def resume(view: selectors.RampView, *, now: datetime) -> Sequence[str]:
    told = [selectors.resume_effect(view.ramp.pk), *_radius(resume_radius(view, now=now))]
    if view.next is not None:
        told.append(f"The next step is {reach(view.next)}. It is taken when it is due, soaked, and all triggers pass.")
        told += _radius(next_radius(view, now=now), "By the next step: ")
    return told


def skip(view: selectors.RampView, state: FlagState, *, now: datetime) -> Sequence[str]:
    step = view.next
    if step is None:
        return ["This ramp has no step left."]
    told = [
        f"Step {step.position}, {reach(step)}, is left out. {where(view.ramp)} stays as it is: {standing(state)}.",
    ]
    after = _after(view, step)
    if after is None:
        return [*told, "No step is left then: the ramp is completed where it stands."]
    told.append(f"The next step is then step {after.position}, {reach(after)}, due {when(after.due_at, now=now)}.")
    if step.parameters:
        told.append(f"That step also sets the parameters of this one: {', '.join(parameters(step.parameters))}.")
    return told


def move(view: selectors.RampView, state: FlagState, *, now: datetime) -> Sequence[str]:
    step = view.next
    if step is None:
        return ["This ramp has no step left."]
    told = [
        f"Step {step.position}, {reach(step)}, is due {when(step.due_at, now=now)}. {where(view.ramp)} stays as it is: "
        f"{standing(state)}.",
        "The later steps keep their distance and move with it, into the hours of the ramp.",
    ]
    return told if view.ramp.state != "held" else [*told, "The ramp stays held: resume it, or nothing happens then."]


def step_back(view: selectors.RampView, state: FlagState) -> Sequence[str]:
    step = view.now
    if step is None or step.before is None:
        return ["This ramp has no step that could be given back."]
    told = [f"{where(view.ramp)} is {standing(state)}. {_goes_back(step, state)}"]
    steps = [each.step for each in view.steps]
    parts = _parameters_back(state.parameters, selectors.parameters_before(steps, step, state.parameters))
    if parts:
        told.append(f"Its parameters go back too: {', '.join(parts)}.")
    told.append("This needs no approval, and neither a freeze nor a trigger stops it.")
    skipped = [str(each.position) for each in steps if each.position > step.position and each.skipped_at]
    again = f", and so are the skipped steps since ({', '.join(skipped)})" if skipped else ""
    told.append(
        f"The ramp is held until a person resumes it. Step {step.position}, {reach(step)}, is open again{again}; "
        "its soak, and the planned time to it, begin anew."
    )
    return told


def _goes_back(step: RampStep, state: FlagState) -> str:
    before = step.before or {}
    share = Decimal(before["percentage"])
    if not state.enabled:
        return "It stays off."
    if not before["enabled"]:
        return f"It is switched off at once, as it was before step {step.position}, {step.label}."
    if share >= state.percentage and not share == state.percentage == step.percentage:
        return f"It stays there: before step {step.position} it was at {percent(share)}, and nothing is raised."
    to = percent(share) if share else "its allow-list only"
    return f"It goes back to {to} at once, as it was before step {step.position}, {step.label}."


def _parameters_back(now: Mapping[str, Any], then: Mapping[str, Any]) -> list[str]:
    removed = [f"{name} is removed" for name in now if name not in then]
    return [*parameters({name: value for name, value in then.items() if now.get(name) != value}), *removed]


def roll_back(view: selectors.RampView, state: FlagState) -> Sequence[str]:
    return [
        f"{where(view.ramp)} is {standing(state)}. It is switched off at once, for everybody, allow-list included.",
        "This ramp ends for good. A new one starts over from its first step.",
        "A critical alert FEATURE_ROLLBACK goes out with your reason.",
    ]


def _radius(found: Radius | None, first: str = "") -> list[str]:
    return [f"{first}{found.sentence}"] if found else []


def _after(view: selectors.RampView, step: RampStep) -> RampStep | None:
    return next((each.step for each in view.steps if each.step.position == step.position + 1), None)


def parameters(patch: Mapping[str, Any]) -> list[str]:
    """`fallbackToLegacy = false` for each."""
    return [f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in patch.items()]
