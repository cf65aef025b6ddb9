"""A command of the playbook that is run from here: a program and its arguments, never a line for a shell."""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from core.errors import Invalid, Refused
from core.machine import Machine

LONGEST = 3600  # seconds
USUAL = 300
LEASE = timedelta(seconds=30)
MOST_OUTPUT = 64 * 1024  # characters of the end of it
_EXPANDED = re.compile(r"`|\$[({A-Za-z_]")
_OPERATORS = frozenset("();<>|&")


class RunState(StrEnum):
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
        RunState.WAITING: frozenset({RunState.RUNNING, RunState.STOPPED}),
        RunState.RUNNING: frozenset(
            {RunState.SUCCEEDED, RunState.FAILED, RunState.TIMED_OUT, RunState.STOPPED, RunState.LOST}
        ),
        RunState.SUCCEEDED: frozenset(),
        RunState.FAILED: frozenset(),
        RunState.TIMED_OUT: frozenset(),
        RunState.STOPPED: frozenset(),
        RunState.LOST: frozenset(),
    },
)
UNDER_WAY = (RunState.WAITING, RunState.RUNNING)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a command ended; `code` is what it returned, None when it was not left to end."""

    state: RunState
    why: str
    code: int | None = None

    @property
    def ok(self) -> bool:
        return self.state is RunState.SUCCEEDED


def read(text: str) -> list[str]:
    """The program and its arguments.

    Raises Invalid for what only a shell understands (pipes, redirections, several commands, `$NAME`, `$(…)`): put that
    into a script, and call the script.
    """
    if found := _EXPANDED.search(text):
        raise Invalid(_only_a_shell(found.group()), field="command")
    lexer = shlex.shlex(text, posix=True, punctuation_chars=True)
    lexer.whitespace_split, lexer.commenters = True, ""
    try:
        words = list(lexer)
    except ValueError as error:
        raise Invalid(f"{text!r} cannot be read as a command: {error}.", field="command") from None
    for word in words:
        if word and set(word) <= _OPERATORS:
            raise Invalid(_only_a_shell(word), field="command")
    if not words:
        raise Invalid("There is no command.", field="command")
    return words


def need_allowed(argv: list[str], allowed: Collection[str]) -> None:
    """Raises Refused for a program that is not on the list of the installation."""
    if not allowed:
        raise Refused("Nothing is run from here: RUNNER_PROGRAMS is empty. Run it by hand, then tick the item.")
    if argv[0] not in allowed:
        raise Refused(f"{argv[0]} is not one of the programs that are run from here ({', '.join(sorted(allowed))}).")


def ended(code: int, *, seconds: float) -> Outcome:
    """What an exit code means; a negative one is the number of the signal that ended it."""
    if code == 0:
        return Outcome(RunState.SUCCEEDED, f"It ended well after {seconds:.0f} s.", 0)
    how = f"It was ended by signal {-code}" if code < 0 else f"It ended with code {code}"
    return Outcome(RunState.FAILED, f"{how} after {seconds:.0f} s.", code)


def last_of(output: str) -> str:
    """The end of what it said, from the beginning of a line: half a secret would not be known as one."""
    if len(output) <= MOST_OUTPUT:
        return output
    kept = output[-MOST_OUTPUT:]
    return f"…{kept[kept.find(chr(10)) :]}" if "\n" in kept else "… (one line, too long to be kept)"


def _only_a_shell(what: str) -> str:
    return f"Only a shell understands {what!r}: put it into a script, and give the script as the command."
