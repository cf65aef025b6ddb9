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
        window = int(at // WINDOW)
        if window != self._window:
            self._window, self._counts = window, {}
        count = self._counts.get(caller, 0) + 1
        self._counts[caller] = count
        if count <= self.most:
            return 0
        return max(1, int((window + 1) * WINDOW - at))
