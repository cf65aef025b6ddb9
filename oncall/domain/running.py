"""How an escalation goes through the steps of its chain.

A wait is counted from when the notification before it was really sent. It is left out when that notification reached
nobody and there is somebody else to tell: nobody can answer. An acknowledgement ends everything; that is not here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from core.machine import Machine
from oncall.domain.chain import Notify, Repeat, Step, Wait

LATE = timedelta(seconds=60)  # a step that is overdue by more is told
ON_TIME = timedelta(seconds=5)  # what a clean sweep allows


class EscalationState(StrEnum):
    RUNNING = "running"
    ACKNOWLEDGED = "acknowledged"
    EXHAUSTED = "exhausted"
    STOPPED = "stopped"


MACHINE = Machine(
    "escalation",
    {
        EscalationState.RUNNING: frozenset(
            {EscalationState.ACKNOWLEDGED, EscalationState.EXHAUSTED, EscalationState.STOPPED}
        ),
        EscalationState.EXHAUSTED: frozenset({EscalationState.ACKNOWLEDGED, EscalationState.STOPPED}),
        EscalationState.ACKNOWLEDGED: frozenset({EscalationState.STOPPED}),
        EscalationState.STOPPED: frozenset(),
    },
)


@dataclass(frozen=True, slots=True)
class Place:
    """The step that is next (`len(steps)`: none is left) in which round, both from 0.

    `heard` tells whether a notification since the last wait has reached anybody; None: there was none.
    """

    position: int = 0
    round: int = 0
    heard: bool | None = None


@dataclass(frozen=True, slots=True)
class Due:
    """Where it stands, and when it goes on."""

    place: Place
    at: datetime


def upcoming(steps: Sequence[Step], place: Place, level: int) -> tuple[Place, Notify | Wait | None]:
    """The next step for this level, and its place; None at the end of the chain."""
    position, number, heard = place.position, place.round, place.heard
    while position < len(steps):
        step = steps[position]
        if level < step.from_level:
            position += 1
        elif not isinstance(step, Repeat):
            return Place(position, number, heard), step
        elif number < step.times:
            position, number, heard = 0, number + 1, None
        else:
            position += 1
    return Place(position, number, heard), None


def notified(steps: Sequence[Step], place: Place, level: int, *, reached: bool, now: datetime) -> Due:
    """After the notification at `place` was sent at `now`."""
    after = Place(place.position + 1, place.round, bool(place.heard) or reached)
    return waited(steps, after, level, now=now)


def waited(steps: Sequence[Step], place: Place, level: int, *, now: datetime) -> Due:
    """Begin the wait that is next at `now`; when none is next, go on at once."""
    while True:
        found, step = upcoming(steps, place, level)
        if not isinstance(step, Wait):
            return Due(found, now)
        after = replace(found, position=found.position + 1)
        if found.heard is False and _tells_more(steps, after, level):
            place = after
            continue
        return Due(replace(after, heard=None), now + timedelta(minutes=step.minutes))


def _tells_more(steps: Sequence[Step], place: Place, level: int) -> bool:
    """Somebody else is to be told in this round."""
    return any(isinstance(step, Notify) and level >= step.from_level for step in steps[place.position :])
