"""What the clock does with a ramp now: take its next step, wait, hold, or complete.

Everything is an argument, so every decision can be asked again later with the same answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from core.requirements import first_closed
from rollouts.domain.gate import before_step, capital
from rollouts.domain.situation import Situation, Step, percent
from rollouts.domain.states import MOVING


@dataclass(frozen=True, slots=True)
class Take:
    step: Step


@dataclass(frozen=True, slots=True)
class Wait:
    why: str


@dataclass(frozen=True, slots=True)
class Hold:
    why: str


@dataclass(frozen=True, slots=True)
class Complete:
    pass


Move = Take | Wait | Hold | Complete


def next_move(situation: Situation, *, now: datetime) -> Move:
    """Decide. Never more than one step; never a step back; never without PASS, except the first of an off flag."""
    if situation.state not in MOVING:
        return Wait(f"The ramp is {situation.state.value.replace('_', ' ')}.")
    changed = changed_by_others(situation)
    if changed:
        return Hold(changed)
    step = situation.next
    if step is None:
        return Complete()
    if step.percentage < situation.left.share:
        return Hold(f"{capital(step.label)}, would go back from {percent(situation.left.share)}.")
    closed = first_closed(before_step(situation, step, now=now))
    return Wait(closed.why) if closed else Take(step)


def changed_by_others(situation: Situation) -> str:
    """How the flag differs from what the ramp left behind; empty when it does not."""
    flag, left = situation.flag, situation.left
    if flag.halted:
        return f"The flag was switched off: {flag.halted}"
    if flag.enabled != left.enabled:
        return f"Somebody else {'enabled' if flag.enabled else 'disabled'} the flag."
    if flag.percentage != left.percentage:
        return f"The flag stands at {percent(flag.percentage)}; this ramp left it at {percent(left.percentage)}."
    return ""
