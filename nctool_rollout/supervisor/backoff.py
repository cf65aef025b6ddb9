"""How long a part that died must wait before it is started again."""

from __future__ import annotations

FIRST = 0.5
LONGEST = 30.0
RAN_WELL = 60.0


def failures_after(failures: int, *, ran: float) -> int:
    """The failures in a row, with this one; a run of a minute forgets those before it."""
    return 1 if ran >= RAN_WELL else failures + 1


def delay(failures: int) -> float:
    """Half a second after the first failure, then twice as long each time, up to half a minute."""
    return min(FIRST * 2.0 ** min(failures - 1, 10), LONGEST)
