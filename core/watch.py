"""What a process keeps in memory of the database is kept up to date by a thread of its own."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from threading import Event, Lock, Thread
from typing import Protocol

from django.db import close_old_connections, connection

log = logging.getLogger(__name__)
_SLICE = 0.5  # seconds: how fast the thread notices that it shall stop
_FIRST = 1.0  # seconds that a first caller waits for the database before something else must do


class News(Protocol):
    """Says that there may be news; whoever hears it asks the database what is true."""

    def wait(self, seconds: float, stopping: Event) -> bool:
        """Whether something may have changed; False after `seconds` of silence."""
        ...

    def close(self) -> None: ...


class Watch:
    """Calls `look` when there may be news, and at least every `poll_seconds`; whatever it raises, the watch goes on.

    Args:
        name: of the thread.
        lost: what is logged when a look fails, once until one succeeds again.
        found: what is logged then.
    """

    _thread: Thread | None
    _stopping: Event
    _tried: Event
    _starting: Lock

    def __init__(
        self,
        look: Callable[[], object],
        news: Callable[[], News],
        *,
        name: str,
        poll_seconds: float,
        lost: str,
        found: str,
    ) -> None:
        self._look, self._news, self._name, self._poll_seconds = look, news, name, poll_seconds
        self._lost, self._found, self._failing = lost, found, False
        self._forget_threads()
        os.register_at_fork(after_in_child=self._forget_threads)

    def start(self, otherwise: Callable[[], None]) -> None:
        """Keep watch; a second call does nothing. Each process calls it for itself.

        It returns after the first look, or a second later; before that `otherwise` is called, which brings what must
        do where the database has not answered.
        """
        if self._thread is not None:
            return
        with self._starting:
            if self._thread is not None:
                return
            thread = Thread(target=self._run, args=(self._stopping,), name=self._name, daemon=True)
            thread.start()
            self._tried.wait(_FIRST)
            otherwise()
            self._thread = thread

    def stop(self) -> None:
        """End the watch, and let it be started again."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(10)
        self._forget_threads()

    def _run(self, stopping: Event) -> None:
        news, due = self._news(), 0.0
        while not stopping.is_set():
            if time.monotonic() >= due:
                close_old_connections()
                if not self._try():
                    connection.close()
                self._tried.set()
                due = time.monotonic() + self._poll_seconds
            if news.wait(max(0.01, min(_SLICE, due - time.monotonic())), stopping):
                due = 0.0
        news.close()
        connection.close()

    def _try(self) -> bool:
        try:
            self._look()
        except Exception as error:  # whatever it is, the watch goes on
            if not self._failing:
                log.warning("the database cannot be read, %s: %r", self._lost, error)
            self._failing = True
            return False
        if self._failing:
            log.warning("the database is back, %s", self._found)
        self._failing = False
        return True

    def _forget_threads(self) -> None:
        """A forked child has the memory of its parent and none of its threads."""
        self._thread = None
        self._stopping, self._tried, self._starting = Event(), Event(), Lock()
