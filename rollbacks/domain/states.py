"""What becomes of a rollback, and of each of its steps."""

from __future__ import annotations

from enum import StrEnum

from core.machine import Machine


class Component(StrEnum):
    """What is rolled back (seed: Manual Rollback Procedures)."""

    FEATURE = "feature"
    APPLICATION = "application"
    DATABASE = "database"
    ALL = "all"


class RollbackState(StrEnum):
    REQUESTED = "requested"
    RUNNING = "running"
    STOPPED = "stopped"
    DONE = "done"
    ABORTED = "aborted"
    REFUSED = "refused"
    EXPIRED = "expired"


class StepKind(StrEnum):
    """In the order in which they are done: flags off first, always."""

    FLAGS = "flags"
    APPLICATION = "application"
    DATABASE = "database"
    SERVED = "served"
    VALIDATE = "validate"
    NOTIFY = "notify"


class StepState(StrEnum):
    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"


UNDER_WAY = frozenset({RollbackState.RUNNING, RollbackState.STOPPED})
LIVE = UNDER_WAY | {RollbackState.REQUESTED}
_OVER: frozenset[RollbackState] = frozenset()

MACHINE: Machine[RollbackState] = Machine(
    "rollback",
    {
        RollbackState.REQUESTED: frozenset({RollbackState.RUNNING, RollbackState.REFUSED, RollbackState.EXPIRED}),
        RollbackState.RUNNING: frozenset({RollbackState.STOPPED, RollbackState.DONE}),
        RollbackState.STOPPED: frozenset({RollbackState.RUNNING, RollbackState.DONE, RollbackState.ABORTED}),
        RollbackState.DONE: _OVER,
        RollbackState.ABORTED: _OVER,
        RollbackState.REFUSED: _OVER,
        RollbackState.EXPIRED: _OVER,
    },
)

STEPS: Machine[StepState] = Machine(
    "step",
    {
        StepState.PENDING: frozenset({StepState.RUNNING}),
        StepState.RUNNING: frozenset({StepState.PENDING, StepState.DONE, StepState.FAILED}),
        StepState.FAILED: frozenset({StepState.PENDING, StepState.DONE, StepState.SKIPPED}),
        StepState.DONE: frozenset(),
        StepState.SKIPPED: frozenset(),
    },
)
