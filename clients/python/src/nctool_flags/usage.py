"""What was asked and answered, in aggregates, until the server has taken it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from typing import Any

from nctool_flags.compiling import UsageRow

ROWS_OF_A_REPORT = 2_000  # the server takes no more


class Ledger:
    """Counts per flag, variant and reason. Used by one thread at a time.

    A report that was not taken is offered again with the same number, so that the server counts it once; what is
    counted meanwhile waits for the next one. `dropped` is how many rows found no room.
    """

    MOST = 20_000  # rows

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str, str], int] = {}
        self._pending: dict[str, Any] | None = None
        self.dropped = 0

    def add(self, rows: Iterable[UsageRow]) -> None:
        for flag, variant, reason, count in rows:
            key = flag, variant, reason
            if key not in self._counts and len(self._counts) >= self.MOST:
                self.dropped += 1
            else:
                self._counts[key] = self._counts.get(key, 0) + count

    @property
    def is_waiting(self) -> bool:
        """Whether there is a report that was not taken."""
        return self._pending is not None

    @property
    def is_empty(self) -> bool:
        return self._pending is None and not self._counts

    def report(self, take_units: Callable[[], list[str]], **told: Any) -> dict[str, Any]:
        """The report to send now: the one that was not taken, or a new one of the oldest rows."""
        if self._pending is None:
            keys = list(self._counts)[:ROWS_OF_A_REPORT]
            rows = [(*key, self._counts.pop(key)) for key in keys]
            usage = [dict(zip(("flag", "variant", "reason", "count"), row, strict=True)) for row in rows]
            self._pending = {**told, "usage": usage, "units": take_units(), "report": str(uuid.uuid4())}
        return self._pending

    def taken(self) -> None:
        self._pending = None

    def lost(self) -> None:
        """The server will never take it: it found the report wrong."""
        if self._pending is not None:
            self.dropped += len(self._pending["usage"])
        self._pending = None
