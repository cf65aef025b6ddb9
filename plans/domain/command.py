"""A command of the playbook that is run from here: a program and its arguments, never a line for a shell."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from core.commandline import MOST_OUTPUT as MOST_OUTPUT
from core.commandline import last_of as last_of
from core.commandline import read as read
from core.errors import Refused
from core.machine import Machine

LONGEST = 3600  # seconds
USUAL = 300
LEASE = timedelta(seconds=30)


class CommandState(StrEnum):
    """Lost: its runner died, and nobody knows what the command did. It is not begun again by itself."""

    WAITING = "waiting"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    STOPPED = "stopped"
    LOST = "lost"


RUN = Machine(
    noun="command",
    moves={
        CommandState.WAITING: frozenset({CommandState.RUNNING, CommandState.STOPPED}),
        CommandState.RUNNING: frozenset(
            {
                CommandState.SUCCEEDED,
                CommandState.FAILED,
                CommandState.TIMED_OUT,
                CommandState.STOPPED,
                CommandState.LOST,
            }
        ),
        CommandState.SUCCEEDED: frozenset(),
        CommandState.FAILED: frozenset(),
        CommandState.TIMED_OUT: frozenset(),
        CommandState.STOPPED: frozenset(),
        CommandState.LOST: frozenset(),
    },
)
UNDER_WAY = (CommandState.WAITING, CommandState.RUNNING)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a command ended; `code` is what it returned, None when it was not left to end."""

    state: CommandState
    why: str
    code: int | None = None

    @property
    def ok(self) -> bool:
        return self.state is CommandState.SUCCEEDED


def need_allowed(argv: list[str], allowed: Collection[str]) -> None:
    """Raises Refused for a program that is not on the list of the installation."""
    if not allowed:
        raise Refused("Nothing is run from here: RUNNER_PROGRAMS is empty. Run it by hand, then tick the item.")
    if argv[0] not in allowed:
        raise Refused(f"{argv[0]} is not one of the programs that are run from here ({', '.join(sorted(allowed))}).")


def ended(code: int, *, seconds: float) -> Outcome:
    """What an exit code means; a negative one is the number of the signal that ended it."""
    if code == 0:
        return Outcome(CommandState.SUCCEEDED, f"It ended well after {seconds:.0f} s.", 0)
    how = f"It was ended by signal {-code}" if code < 0 else f"It ended with code {code}"
    return Outcome(CommandState.FAILED, f"{how} after {seconds:.0f} s.", code)
