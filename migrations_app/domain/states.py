"""What becomes of a run of a migration, and of each of its phases."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

from core.machine import Machine

EXPIRES_AFTER = timedelta(hours=24)  # of a request that nobody decides on


class Direction(StrEnum):
    UP = "up"
    DOWN = "down"


class Traffic(StrEnum):
    """Whether others write meanwhile. With writers stopped, every total has to be afterwards what it was before."""

    LIVE = "live"
    STOPPED = "stopped"


class RunState(StrEnum):
    """`held`: its canary is done and waits for a person. `abandoned`: stopped by a person, with its changes left."""

    REQUESTED = "requested"
    APPROVED = "approved"
    RUNNING = "running"
    PAUSED = "paused"
    HELD = "held"
    ROLLING_BACK = "rolling_back"
    COMPLETED = "completed"
    FAILED = "failed"
    ROLLED_BACK = "rolled_back"
    ROLLBACK_FAILED = "rollback_failed"
    ABANDONED = "abandoned"
    REFUSED = "refused"
    EXPIRED = "expired"


class Wish(StrEnum):
    """What a person wants of a run that is under way. `leave`: end it, and leave what it has changed."""

    NONE = ""
    PAUSE = "pause"
    ABORT = "abort"
    LEAVE = "leave"


class LogStatus(StrEnum):
    """Of one phase of one run (seed: MigrationLog)."""

    STARTED = "STARTED"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    PAUSED = "PAUSED"
    ABANDONED = "ABANDONED"
    ROLLED_BACK = "ROLLED_BACK"
    ROLLBACK_FAILED = "ROLLBACK_FAILED"


AT_WORK = frozenset({RunState.APPROVED, RunState.RUNNING, RunState.ROLLING_BACK})  # a worker takes these
UNDER_WAY = AT_WORK | {RunState.PAUSED, RunState.HELD}
LIVE = UNDER_WAY | {RunState.REQUESTED}
# Something of it may be in the data, and can be taken back by a run of its own.
TO_TAKE_BACK = frozenset({RunState.COMPLETED, RunState.ABANDONED, RunState.FAILED, RunState.ROLLBACK_FAILED})
_OVER: frozenset[RunState] = frozenset()

RUN: Machine[RunState] = Machine(
    "migration run",
    {
        RunState.REQUESTED: frozenset({RunState.APPROVED, RunState.REFUSED, RunState.EXPIRED}),
        RunState.APPROVED: frozenset({RunState.RUNNING, RunState.ABANDONED}),
        RunState.RUNNING: frozenset(
            {
                *(RunState.PAUSED, RunState.HELD, RunState.COMPLETED, RunState.FAILED),
                *(RunState.ROLLING_BACK, RunState.ABANDONED),
            }
        ),
        RunState.PAUSED: frozenset({RunState.RUNNING, RunState.ROLLING_BACK, RunState.ABANDONED}),
        RunState.HELD: frozenset({RunState.RUNNING, RunState.ROLLING_BACK, RunState.ABANDONED}),
        RunState.ROLLING_BACK: frozenset({RunState.ROLLED_BACK, RunState.ROLLBACK_FAILED}),
        RunState.COMPLETED: frozenset({RunState.ROLLED_BACK}),
        RunState.FAILED: frozenset({RunState.RUNNING, RunState.ROLLED_BACK}),
        RunState.ROLLBACK_FAILED: frozenset({RunState.ROLLING_BACK, RunState.ROLLED_BACK}),
        RunState.ABANDONED: frozenset({RunState.ROLLED_BACK}),
        RunState.ROLLED_BACK: _OVER,
        RunState.REFUSED: _OVER,
        RunState.EXPIRED: _OVER,
    },
)
