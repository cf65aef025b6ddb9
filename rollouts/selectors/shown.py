"""A ramp as screens and machines are shown it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from rollouts.domain import levels
from rollouts.domain.levels import Level
from rollouts.domain.move import changed_by_others
from rollouts.domain.situation import Situation
from rollouts.domain.states import LIVE, ROLLED_OUT, RampState
from rollouts.models import Ramp, RampStep


class StepStatus(StrEnum):
    TAKEN = "taken"
    SKIPPED = "skipped"
    NOW = "now"
    NEXT = "next"
    LATER = "later"


@dataclass(frozen=True, slots=True)
class StepView:
    """A step as a timeline shows it. `now` is the last one taken."""

    step: RampStep
    status: StepStatus

    def as_dict(self) -> dict[str, Any]:
        """The step for a machine."""
        step = self.step
        return {
            "position": step.position,
            "label": step.label,
            "status": self.status.value,
            "due_at": step.due_at,
            "percentage": float(step.percentage),
            "allow_list_only": step.allow_list_only,
            "parameters": step.parameters,
            "monitoring": step.monitoring,
            "soak_seconds": step.soak,
            "taken_at": step.taken_at,
            "taken_by": step.taken_by,
            "skipped_at": step.skipped_at,
            "skipped_by": step.skipped_by,
        }


@dataclass(frozen=True, slots=True)
class RampView:
    """A ramp with its steps. `waits_for` says in a sentence what the next step needs; empty when it needs nothing."""

    ramp: Ramp
    steps: tuple[StepView, ...]
    waits_for: str

    @property
    def monitoring(self) -> str:
        """How closely the flag is to be watched now: the level of the step it stands at, else of the first one."""
        step = self.now or self.next
        return step.monitoring if step else ""

    @property
    def rolled_out(self) -> str:
        """`Rollout completed` when it took its last step, else nothing."""
        done = self.ramp.state == RampState.COMPLETED and self.steps[-1].status is StepStatus.NOW
        return ROLLED_OUT if done else ""

    @property
    def now(self) -> RampStep | None:
        return next((view.step for view in self.steps if view.status is StepStatus.NOW), None)

    @property
    def next(self) -> RampStep | None:
        return next((view.step for view in self.steps if view.status is StepStatus.NEXT), None)

    def as_dict(self) -> dict[str, Any]:
        """The ramp for a machine."""
        ramp = self.ramp
        return {
            "id": ramp.pk,
            "name": ramp.name,
            "template": ramp.template_key,
            "flag": ramp.flag.key,
            "environment": ramp.environment.key,
            "state": ramp.state,
            "version": ramp.version,
            "position": ramp.position,
            "monitoring": self.monitoring,
            "waits_for": self.waits_for,
            "hold_reason": ramp.hold_reason,
            "starts_at": ramp.starts_at,
            "hours": ramp.hours,
            "started_by": ramp.started_by,
            "held_at": ramp.held_at,
            "ended_at": ramp.ended_at,
            "steps": [view.as_dict() for view in self.steps],
        }


def last_taken(steps: Iterable[RampStep]) -> RampStep | None:
    taken = [step for step in steps if step.taken_at is not None]
    return max(taken, key=lambda step: step.position) if taken else None


def level_of(ramp: Ramp, step: RampStep | None) -> Level:
    """What is asked for while the flag stands at the step."""
    return levels.level_of(ramp.levels, step.monitoring) if step else Level()


def patch_of(steps: Iterable[RampStep], step: RampStep) -> dict[str, Any]:
    """The step's parameters, on top of those of the steps skipped just before it: they hold from there on."""
    before = [each for each in steps if each.position < step.position]
    last = last_taken(before)
    merged: dict[str, Any] = {}
    for each in before[last.position if last else 0 :]:
        merged |= each.parameters
    return {**merged, **step.parameters}


def parameters_before(steps: Iterable[RampStep], step: RampStep, now: Mapping[str, Any]) -> dict[str, Any]:
    """The flag's parameters `now`, with those that the taken step set as they were before it."""
    earlier, set_by = (step.before or {}).get("parameters", {}), patch_of(steps, step)
    kept = {name: value for name, value in now.items() if name not in set_by}
    return kept | {name: earlier[name] for name in set_by if name in earlier}


def cannot_step_back(ramp: Ramp, steps: Iterable[RampStep], situation: Situation) -> str:
    """Why the last step cannot be given back; empty when it can. One query for a completed ramp, else none."""
    last = last_taken(steps)
    if ramp.state == RampState.ROLLED_BACK:
        return "It was rolled back."
    if last is None:
        return "It has not taken a step."
    if last.before is None:
        return f"What step {last.position} changed was not noted when it was taken: change the flag itself."
    if ramp.state != RampState.COMPLETED:
        return ""
    later = Ramp.objects.filter(flag=ramp.flag_id, environment=ramp.environment_id, pk__gt=ramp.pk).first()
    return f"Ramp {later.pk} came after it." if later else changed_by_others(situation)


def view_of(ramp: Ramp, waits_for: str) -> RampView:
    """A ramp of `ramps()`: no query."""
    steps = list(ramp.steps.all())
    last = last_taken(steps)
    live_ = RampState(ramp.state) in LIVE

    def status(step: RampStep) -> StepStatus:
        if step.skipped_at is not None:
            return StepStatus.SKIPPED
        if step.taken_at is not None:
            return StepStatus.NOW if step is last else StepStatus.TAKEN
        return StepStatus.NEXT if live_ and step.position == ramp.position + 1 else StepStatus.LATER

    return RampView(ramp, tuple(StepView(step, status(step)) for step in steps), waits_for)
