"""What nctool's machines stand at: how busy they are, and what the replica set (which is played) would tell."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

CONNECTIONS = 12  # in nctool's pool to MongoDB: half as many again as it has workers
LAG = (3.9, 0.3)  # of a lognormal: about 50 ms, as in the strategy's dashboard


class Machine:
    """Counts the time its workers are busy; many threads enter `busy`, one reads."""

    def __init__(self, workers: int, *, clock: Callable[[], float], seed: int) -> None:
        self._workers, self._clock, self._dice = workers, clock, random.Random(f"machine:{seed}")
        self._lock = threading.Lock()
        self._now = self._most = 0
        self._busy = 0.0
        self._since = clock()

    @contextmanager
    def busy(self) -> Iterator[None]:
        """Around the work of one worker."""
        started = self._clock()
        with self._lock:
            self._now += 1
            self._most = max(self._most, self._now)
        try:
            yield
        finally:
            with self._lock:
                self._now -= 1
                self._busy += self._clock() - started

    def take(self, *, extra_load: float) -> Mapping[str, float]:
        """The gauges since the last call, by name; `extra_load` is percent, of a fault."""
        with self._lock:
            busy, self._busy = self._busy, 0.0
            most, self._most = self._most, self._now
        now = self._clock()
        passed, self._since = max(now - self._since, 0.001), now
        return {
            "system_load": min(100.0, 100 * busy / (passed * self._workers) + extra_load),
            "connection_pool_used": 100 * most / CONNECTIONS,
            "replication_lag_ms": self._dice.lognormvariate(*LAG),
        }
