"""What the runner asks of programs."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from core.program import ProgramError as ProgramError


class Running(Protocol):
    """A program that was started."""

    def wait(self, seconds: float) -> int | None:
        """Its exit code once it has ended; None when it has not within that time."""
        ...

    def output(self) -> str:
        """What it has said so far, both ways, only the end of it when it is much."""
        ...

    def end(self, *, grace: float) -> None:
        """End it and everything it started; it has `grace` seconds to clean up."""
        ...


class Programs(Protocol):
    """The programs of this machine."""

    @property
    def allowed(self) -> Collection[str]:
        """Those that may be run."""
        ...

    @property
    def secrets(self) -> Collection[str]:
        """What must not be kept or shown of what they say."""
        ...

    def start(self, argv: Sequence[str], *, environment: str) -> Running:
        """Start one for an environment. Raises ProgramError."""
        ...
