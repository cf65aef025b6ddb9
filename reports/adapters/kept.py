"""What many people look at is made once and kept for some seconds. Each process keeps its own."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

Made = TypeVar("Made")
MOST = 64


class Kept(Generic[Made]):
    """The newest answers by their keys. Two who ask at once may both make one: it is the same."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = Lock()
        self._found: dict[Hashable, tuple[float, Made]] = {}

    def get(self, key: Hashable, make: Callable[[], Made], *, seconds: float) -> Made:
        """The answer that is at most so many seconds old, else a new one; 0: always a new one."""
        now = self._clock()
        with self._lock:
            at, made = self._found.get(key, (float("-inf"), None))
        if made is not None and now - at < seconds:
            return made
        fresh = make()
        if seconds:
            with self._lock:
                self._found[key] = now, fresh
                while len(self._found) > MOST:
                    self._found.pop(next(iter(self._found)))
        return fresh
