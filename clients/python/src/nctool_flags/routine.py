"""A thread that does one thing again and again, when its pace says so."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from threading import Event, Thread

from nctool_flags.pace import Pace

log = logging.getLogger("nctool_flags")


class Routine:
    """`last` is done when it is stopped."""

    def __init__(self, name: str, pace: Pace, act: Callable[[], None], last: Callable[[], None] | None = None) -> None:
        self._pace, self._act, self._last = pace, act, last
        self._wake, self._stopping = Event(), False
        self._thread = Thread(target=self._run, name=f"nctool-flags-{name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        """The pace has changed: look at it again."""
        self._wake.set()

    def stop(self) -> None:
        self._stopping = True
        self._wake.set()

    def join(self, seconds: float) -> None:
        self._thread.join(max(0.0, seconds))

    def _run(self) -> None:
        while not self._stopping:
            self._wake.clear()
            wait = self._pace.due - time.monotonic()
            if wait > 0:
                self._wake.wait(wait)
            else:
                self._do(self._act)
        if self._last is not None:
            self._do(self._last)

    def _do(self, act: Callable[[], None]) -> None:
        try:
            act()
        except Exception:  # a fault of ours must not end the thread that brings the kill switch
            log.exception("flags: a fault in this library; trying again later")
            self._pace.failed(time.monotonic())
