"""What undoes the events of ramps, as the ramps stand now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.urls import reverse

from core import beside
from core.beside import EventAction, Person
from rollouts import selectors
from rollouts.admin.steering import Resume, RollBack, SteeringView, StepBack
from rollouts.domain.states import LIVE, RampState

if TYPE_CHECKING:
    from core.models import Event

FORWARD = ("ramp.started", "ramp.resumed", "ramp.skipped")


def ways_back(events: list[Event], person: Person) -> dict[int, EventAction]:
    """For the newest event of each live ramp: resume what was held, take back a step, roll back the rest. One query."""
    newest = {event.subject: event for event in reversed(events) if event.subject.startswith("ramp:")}
    if not newest or not person.has_perm("rollouts.operate_ramp"):
        return {}
    live = selectors.chosen(states=[state.value for state in LIVE]).prefetch_related(None)
    states = {f"ramp:{pk}": (pk, RampState(state)) for pk, state in live.values_list("pk", "state")}
    return {
        event.pk: _dialog(command, states[subject][0])
        for subject, event in newest.items()
        if subject in states and (command := _command(event.kind, states[subject][1]))
    }


def _command(kind: str, state: RampState) -> type[SteeringView] | None:
    if state is RampState.HELD:
        return Resume if kind == "ramp.held" else None
    if kind == "ramp.advanced":
        return StepBack
    return RollBack if kind in FORWARD else None


def _dialog(command: type[SteeringView], pk: int) -> EventAction:
    return EventAction(reverse(f"admin:rollouts_ramp_{command.name}", args=[pk]), command.label, command.icon)


beside.add_way_back(ways_back)
