"""Who does something: one value, carried through every layer into the event log."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ActorKind(StrEnum):
    PERSON = "person"
    TOKEN = "token"
    COMMAND = "command"
    MACHINE = "machine"


@dataclass(frozen=True, slots=True)
class Actor:
    """`name` is shown in the history: a user name, a token's name, or the name of a machine."""

    name: str
    kind: ActorKind


GUARD = Actor("guard", ActorKind.MACHINE)
CLOCK = Actor("clock", ActorKind.MACHINE)
EMERGENCY_SYSTEM = "emergency-system"  # the seed's `disabledBy` for a disable that no person asked for
