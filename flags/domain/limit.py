"""How often a caller may come."""

from __future__ import annotations

WINDOW = 60


class MinuteLimit:
    """Counts calls of each caller in windows of one minute. One process counts for itself."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._window = 0
        self._counts: dict[str, int] = {}

    def wait(self, caller: str, at: float) -> int:
        """Whole seconds until the caller may come again; 0 when it may now. `at` is in seconds of any clock."""
        window = self._turn(at)
        count = self._counts.get(caller, 0) + 1
        self._counts[caller] = count
        return 0 if count <= self.most else _rest(window, at)

    def left(self, caller: str, at: float) -> int:
        """As `wait`, of a caller that has used up its minute already; this call is not counted."""
        window = self._turn(at)
        return 0 if self._counts.get(caller, 0) < self.most else _rest(window, at)

    def _turn(self, at: float) -> int:
        window = int(at // WINDOW)
        if window != self._window:
            self._window, self._counts = window, {}
        return window


def _rest(window: int, at: float) -> int:
    return max(1, int((window + 1) * WINDOW - at))
