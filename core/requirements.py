"""One thing that must be true before something may be done: how it stands, why, and what would satisfy it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Standing(StrEnum):
    """Unknown: nothing can be said, for want of data. It is never as good as met, and nobody can waive it."""

    MET = "met"
    UNMET = "unmet"
    UNKNOWN = "unknown"
    WAIVED = "waived"


@dataclass(frozen=True, slots=True)
class Requirement:
    """`remedy` says what would satisfy it. `since` is when it came to stand as it does, where that is known."""

    key: str
    title: str
    standing: Standing
    why: str
    remedy: str = ""
    since: datetime | None = None

    @property
    def open(self) -> bool:
        """It lets what waits for it pass."""
        return self.standing in (Standing.MET, Standing.WAIVED)


def first_closed(requirements: Iterable[Requirement]) -> Requirement | None:
    """The first that lets nothing pass; None when all do."""
    return next((each for each in requirements if not each.open), None)
