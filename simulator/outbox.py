"""Reports on their way: kept in order until the server has them, up to a limit."""

from __future__ import annotations

import logging
import uuid
from collections import deque
from collections.abc import Callable
from typing import Any

from simulator.complaints import Complaint
from simulator.wire import Unreachable, Wire

log = logging.getLogger(__name__)
METRICS = "/api/v1/metrics"
COMPLAINTS = "/api/v1/complaints"
MOST_REPORTS = 600  # ten minutes; then the oldest is given up
_LONGEST_PAUSE = 10.0


class Outbox:
    """At least once from here, exactly once there: a report keeps its id through every try.

    A report the server finds wrong is dropped with a line in the log, since it would be refused for ever.
    """

    def __init__(self, wire: Wire, *, refused: Callable[[], None], clock: Callable[[], float]) -> None:
        self._wire, self._refused, self._clock = wire, refused, clock
        self._waiting: deque[tuple[str, dict[str, Any]]] = deque()
        self._not_before = 0.0
        self._failures = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, rows: list[dict[str, Any]]) -> None:
        """A report of metrics."""
        if rows:
            self._put(METRICS, {"id": f"simulator-{uuid.uuid4().hex}", "metrics": rows})

    def complain(self, complaint: Complaint, *, at: int) -> None:
        """A complaint, made at unix second `at`."""
        self._put(COMPLAINTS, complaint.as_dict(f"simulator-{uuid.uuid4().hex}", at))

    def _put(self, path: str, body: dict[str, Any]) -> None:
        if len(self._waiting) == MOST_REPORTS:
            self._waiting.popleft()
            log.warning("The reports wait since %s s: the oldest is given up.", MOST_REPORTS)
        self._waiting.append((path, body))

    def send(self) -> None:
        """Send what waits, oldest first, until one fails; then pause, longer each time."""
        while self._waiting and self._clock() >= self._not_before:
            if not self._try(*self._waiting[0]):
                return
            self._waiting.popleft()
            if self._failures:
                log.info("The metrics door takes reports again; %s wait.", len(self._waiting))
            self._failures = 0

    def _try(self, path: str, report: dict[str, Any]) -> bool:
        """True when the report is done with."""
        try:
            answer = self._wire.post(path, report)
        except Unreachable as error:
            return self._later(f"cannot be reached: {error}")
        if answer.status < 300:
            return True
        if answer.status in {400, 413, 422}:
            log.error("A report was refused and is dropped: %s %s", answer.status, answer.body)
            return True
        if answer.status == 401:
            self._refused()
        return self._later(f"answers {answer.status}", answer.retry_after)

    def _later(self, trouble: str, pause: int = 0) -> bool:
        if not self._failures:
            log.warning("The metrics door %s. Reports are kept and sent later.", trouble)
        self._failures += 1
        self._not_before = self._clock() + (pause or min(_LONGEST_PAUSE, 0.5 * 2**self._failures))
        return False
