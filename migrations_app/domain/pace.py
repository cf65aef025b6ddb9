"""How fast a run may go: batches of about half a second, and what slows it down or stops it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

GOAL = 0.5  # seconds a batch should take, reading, journal and writes together
LEAST, FIRST, MOST = 10, 200, 2_000  # documents of a batch
WEIGHT = 0.5  # of the newest batch in what is expected of the next
MOST_QUEUED = 100  # operations that wait in the server; nctool's are among them
PAUSE_LAG, ABORT_LAG = timedelta(seconds=5), timedelta(seconds=30)
LEAST_FREE = 0.1  # of the disk; a run begins above 0.2 (seed: validateDatabaseReadiness): the journal takes some
SLOWEST = 5  # percent of the time


class Pace:
    """The size of the next batch, from how long those before it took.

    Args:
        most: documents of a batch; a weak server gets smaller ones.
        speed: percent of the time in which it works, 5 to 100; the rest it rests.
    """

    def __init__(self, *, most: int = MOST, speed: int = 100) -> None:
        self.size, self.speed, self._most = min(FIRST, most), speed, most
        self._seconds = 0.0

    def took(self, documents: int, seconds: float) -> float:
        """Note a batch; returns for how many seconds to rest now."""
        if documents:
            each = seconds / documents
            self._seconds = each if not self._seconds else WEIGHT * each + (1 - WEIGHT) * self._seconds
            wanted = int(GOAL / self._seconds) if self._seconds else self._most
            self.size = max(LEAST, min(wanted, 2 * self.size, self._most))
        return seconds * (100 / max(SLOWEST, self.speed) - 1)


@dataclass(frozen=True, slots=True)
class Lag:
    """How far the secondaries are behind: None when the server does not tell. `members` bear data beside the primary.

    A run on a server without secondaries has nothing to wait for.
    """

    seconds: float | None
    members: int


@dataclass(frozen=True, slots=True)
class Brake:
    """Why a run waits, or must end."""

    why: str
    abort: bool = False


def brake(lag: Lag, queued: int | None = None, free: float | None = None) -> Brake | None:
    """What the server says: go on, wait, or end it before the secondaries fall out of the log.

    Args:
        queued: operations that wait in the server; None where it does not tell.
        free: share of its disk, 0 to 1; None where it does not tell, or where that holds nothing.
    """
    if free is not None and free < LEAST_FREE:
        return Brake(f"{free:.0%} of the disk is free: it waits until {LEAST_FREE:.0%} are. Make room, or abort.")
    if queued is not None and queued > MOST_QUEUED:
        return Brake(f"{queued} operations wait in the server, above {MOST_QUEUED}: the run lets them go first.")
    if not lag.members:
        return None
    if lag.seconds is None:
        return Brake("The replication lag cannot be told: the run waits until it can be.")
    if lag.seconds > ABORT_LAG.total_seconds():
        return Brake(f"The replication lag is {lag.seconds:.0f} s, above {ABORT_LAG.seconds} s.", abort=True)
    if lag.seconds > PAUSE_LAG.total_seconds():
        return Brake(
            f"The replication lag is {lag.seconds:.0f} s: the run waits until it is below {PAUSE_LAG.seconds} s."
        )
    return None
