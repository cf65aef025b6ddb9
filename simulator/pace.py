"""When the next melt is due. Pure: the clock is an argument."""

from __future__ import annotations

_MISSED = 1.0  # seconds behind the schedule after which the missed melts are given up


class Pace:
    """A steady rate kept by a schedule, so that late ones do not slow it down.

    Up to a second of delay is made up. After a longer pause (a stopped process, a sleeping laptop) the
    schedule starts over: what was missed is not played in one burst.
    """

    def __init__(self, rate: float, *, now: float) -> None:
        self._gap = 1 / rate
        self._due = now

    def wait(self, now: float) -> float:
        """Seconds until the next melt is due; 0 when it is due."""
        if now - self._due > _MISSED:
            self._due = now
        return max(0.0, self._due - now)

    def taken(self) -> None:
        """The melt that was due has been started."""
        self._due += self._gap
