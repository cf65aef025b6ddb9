"""What somebody does about what was learnt."""

from __future__ import annotations

import re
from datetime import date
from enum import StrEnum

from core.errors import Invalid
from core.machine import Machine

ORIGIN = re.compile(r"^[a-z-]{1,30}:[A-Za-z0-9._-]{1,100}$")
LONGEST_TITLE = 200


class ActionState(StrEnum):
    OPEN = "open"
    DONE = "done"
    DROPPED = "dropped"


MACHINE = Machine(
    "action item",
    {
        ActionState.OPEN: frozenset({ActionState.DONE, ActionState.DROPPED}),
        ActionState.DONE: frozenset({ActionState.OPEN}),
        ActionState.DROPPED: frozenset({ActionState.OPEN}),
    },
)


def read_origin(given: str) -> str:
    """`<noun>:<key>` as the subjects of events, such as `feedback:12`; empty: by itself. Raises Invalid."""
    if given and not ORIGIN.match(given):
        raise Invalid("Where it comes from is written as feedback:12, report:3 or lesson:7.", field="origin")
    return given


def is_overdue(state: str, due: date, *, today: date) -> bool:
    """From the day after it was due, while nobody has done it."""
    return state == ActionState.OPEN and due < today
