"""When to try next: one schedule for polling, reporting and listening. It reads no clock and does not wait."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

JITTER = 0.2  # ± 20 %, so that a thousand instances do not come at once
FIRST_RETRY = 1.0  # seconds
SLOW = 300.0  # seconds between tries of what was refused: a person must change something first
LONGEST_WAIT = 3600.0  # seconds; a Retry-After beyond it is taken for a mistake


def jittered(seconds: float) -> float:
    return seconds * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 # nothing secret


@dataclass
class Pace:
    """`due` is the next try, in seconds of a monotonic clock. `interval` is the time between good tries.

    `floor` is the time before which nothing makes it try: the server has said so. `first` is how many seconds after
    a fault it tries again for the first time.
    """

    interval: float
    due: float = 0.0
    floor: float = field(default=0.0, repr=False)
    failures: int = 0
    first: float = FIRST_RETRY

    def succeeded(self, now: float) -> None:
        self.failures = 0
        self._at(now + jittered(self.interval))

    def failed(self, now: float, retry_after: float | None = None) -> None:
        """Later and later, up to four times the interval, and never before the server allows."""
        wait = min(self.first * 2 ** min(self.failures, 20), 4 * self.interval)
        self.failures += 1
        if retry_after is not None:
            self.floor = now + min(retry_after, LONGEST_WAIT)
        self._at(now + jittered(wait))

    def refused(self, now: float) -> None:
        """401 or 403: go on, slowly."""
        self.failures += 1
        self._at(now + jittered(max(SLOW, self.interval)))

    def hurry(self, now: float, within: float = 0.0) -> None:
        """Try within so many seconds, or when it was due before that."""
        self._at(min(self.due, now + random.uniform(0, within)))  # noqa: S311 # nothing secret

    def _at(self, moment: float) -> None:
        self.due = max(moment, self.floor)
