"""The states of a plan, its phases, and the items of its checklists."""

from __future__ import annotations

from enum import StrEnum

from core.machine import Machine


class PlanState(StrEnum):
    """Paused: nothing of it is started or completed until a person resumes it. Aborted: flags stay as they are; rolled
    back: its features are off.
    """

    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    ABORTED = "aborted"
    ROLLED_BACK = "rolled_back"


LIVE = (PlanState.RUNNING, PlanState.PAUSED)

PLAN = Machine(
    noun="plan",
    moves={
        PlanState.RUNNING: frozenset({PlanState.PAUSED, PlanState.COMPLETED, PlanState.ABORTED, PlanState.ROLLED_BACK}),
        PlanState.PAUSED: frozenset({PlanState.RUNNING, PlanState.ABORTED, PlanState.ROLLED_BACK}),
        PlanState.COMPLETED: frozenset(),
        PlanState.ABORTED: frozenset(),
        PlanState.ROLLED_BACK: frozenset(),
    },
)


class PhaseState(StrEnum):
    WAITING = "waiting"
    ACTIVE = "active"
    COMPLETED = "completed"
    ROLLED_BACK = "rolled_back"


# What was rolled back is begun again, through its gate; what is completed can still be rolled back.
PHASE = Machine(
    noun="phase",
    moves={
        PhaseState.WAITING: frozenset({PhaseState.ACTIVE}),
        PhaseState.ACTIVE: frozenset({PhaseState.COMPLETED, PhaseState.ROLLED_BACK}),
        PhaseState.COMPLETED: frozenset({PhaseState.ROLLED_BACK}),
        PhaseState.ROLLED_BACK: frozenset({PhaseState.ACTIVE}),
    },
)


class ItemState(StrEnum):
    """As the strategy names them (seed: Manual Validation Checklist)."""

    PENDING = "PENDING"
    PASSED = "PASSED"
    FAILED = "FAILED"
    SKIPPED = "SKIPPED"


DONE = (ItemState.PASSED, ItemState.SKIPPED)


class Priority(StrEnum):
    HIGH = "HIGH"
    MEDIUM = "MEDIUM"
    LOW = "LOW"


class ChecklistKind(StrEnum):
    """`criteria` and `activities` belong to a phase; `after` opens by the clock when another checklist is done."""

    BEFORE = "before"
    ACTIVITIES = "activities"
    CRITERIA = "criteria"
    VALIDATION = "validation"
    AFTER = "after"
    MANUAL = "manual"
