"""The states of a ramp."""

from __future__ import annotations

from enum import StrEnum

from core.machine import Machine


class RampState(StrEnum):
    PLANNED = "planned"
    RUNNING = "running"
    HELD = "held"
    COMPLETED = "completed"
    ROLLED_BACK = "rolled_back"


ROLLED_OUT = "Rollout completed"  # seed: executeRolloutSchedule, after the last week
LIVE = (RampState.PLANNED, RampState.RUNNING, RampState.HELD)
MOVING = (RampState.PLANNED, RampState.RUNNING)  # the clock looks at these

# A planned ramp can be held too: an emergency before its first step must not be undone by its start time.
# Skipping the last step of a planned ramp ends it. A completed ramp comes back by giving back its last step.
MACHINE = Machine(
    noun="ramp",
    moves={
        RampState.PLANNED: frozenset({RampState.RUNNING, RampState.HELD, RampState.COMPLETED, RampState.ROLLED_BACK}),
        RampState.RUNNING: frozenset({RampState.HELD, RampState.COMPLETED, RampState.ROLLED_BACK}),
        RampState.HELD: frozenset({RampState.PLANNED, RampState.RUNNING, RampState.ROLLED_BACK}),
        RampState.COMPLETED: frozenset({RampState.HELD}),
        RampState.ROLLED_BACK: frozenset(),
    },
)


class MonitoringLevel(StrEnum):
    """How closely a step is watched (seed: rolloutSchedule)."""

    INTENSIVE = "intensive"
    STANDARD = "standard"
    REDUCED = "reduced"
