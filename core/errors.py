"""What a command can refuse, as values every door can show: the message is written for the operator."""

from __future__ import annotations


class DomainError(Exception):
    """A command was refused and nothing was changed. `str(error)` says why and what to do."""

    status = 400


class Invalid(DomainError):
    """The input cannot be accepted. `field` names the part that is wrong, where one can be named."""

    status = 422

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class NotFound(DomainError):
    """What the command names does not exist."""

    status = 404


class Refused(DomainError):
    """The actor may not do this."""

    status = 403


class TooMany(Refused):
    """Somebody comes too often."""

    status = 429


class Conflict(DomainError):
    """The row is not in a state in which this can be done."""

    status = 409


class StaleVersion(Conflict):
    """Somebody changed the row since the caller read it."""

    def __init__(self, noun: str, *, expected: int, actual: int) -> None:
        super().__init__(
            f"{noun} was changed by someone else (you saw version {expected}, it is now {actual}). "
            "Look at the new state and try again."
        )
        self.expected = expected
        self.actual = actual


class IllegalMove(Conflict):
    """A state machine has no such move."""
