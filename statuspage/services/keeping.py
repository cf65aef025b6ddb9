"""What a process shows of the page: one picture in memory, renewed when it changes, kept on disk for bad times.

While the database or Redis is away the last picture stays, and it is known since when; it recovers by itself.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import Event, Lock, Thread

from django.db import close_old_connections, connection

from statuspage import selectors
from statuspage.adapters import bus
from statuspage.adapters.disk import DiskCopy
from statuspage.domain.picture import Picture
from statuspage.selectors import shown

log = logging.getLogger(__name__)
POLL = 5.0  # seconds between two looks at the version
STALE = 30.0  # seconds without an answer of the database, then visitors are told
RENEW = 3600.0  # seconds, then it is read whole again: old incidents leave the page without any change
_SLICE = 0.5  # seconds: how fast the thread notices that it shall stop
_FIRST = 1.0  # seconds that a first visitor waits for the database before the copy on disk must do


@dataclass(frozen=True, slots=True)
class Held:
    """One picture, and when the database last said that it is true."""

    picture: Picture
    as_of: datetime


class Keeper:
    """Keeps `held` up to date in a thread of its own. None: neither the database nor the disk has told anything."""

    _thread: Thread | None
    _stopping: Event
    _tried: Event
    _starting: Lock

    def __init__(self, copy: Path, *, clock: Callable[[], datetime], poll_seconds: float = POLL) -> None:
        self.held: Held | None = None
        self._copy = DiskCopy(copy)
        self._clock = clock
        self._poll_seconds = poll_seconds
        self._confirmed = self._read = float("-inf")
        self._failing = False
        self._forget_threads()
        os.register_at_fork(after_in_child=self._forget_threads)

    def start(self) -> None:
        """Keep watch, and have a picture; a second call does nothing. Each process calls it for itself."""
        if self._thread is not None:
            return
        with self._starting:
            if self._thread is not None:
                return
            thread = Thread(target=self._watch, args=(self._stopping,), name="status page", daemon=True)
            thread.start()
            self._tried.wait(_FIRST)
            self._load_copy()
            self._thread = thread

    def stop(self) -> None:
        """End the watch, and let it be started again."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(10)
        self._forget_threads()

    @property
    def stale(self) -> bool:
        """Whether the database has not confirmed it for so long that visitors must know."""
        return time.monotonic() - self._confirmed > STALE

    def refresh(self) -> None:
        """Take what the database says now: one query when nothing has changed. Raises django.db.Error."""
        now, held = self._clock(), self.held
        due = held is None or time.monotonic() - self._read > RENEW
        if held is None or due or selectors.version() != held.picture.version:
            held = Held(shown.picture(now=now), now)
            self._read = time.monotonic()
        self.held = Held(held.picture, now)
        self._confirmed = time.monotonic()
        self._copy.keep(held.picture, at=now)

    def _load_copy(self) -> None:
        """The copy never takes the place of what the database said meanwhile."""
        if self.held is None and (kept := self._copy.read()):
            self.held = self.held or Held(*kept)
            log.warning("the database does not answer: the status page is shown as in %s", self._copy.path)

    def _watch(self, stopping: Event) -> None:
        news, due = bus.news(), 0.0
        while not stopping.is_set():
            if time.monotonic() >= due:
                close_old_connections()
                if not self._try_refresh():
                    connection.close()
                self._tried.set()
                due = time.monotonic() + self._poll_seconds
            if news.wait(max(0.01, min(_SLICE, due - time.monotonic())), stopping):
                due = 0.0
        news.close()
        connection.close()

    def _try_refresh(self) -> bool:
        try:
            self.refresh()
        except Exception as error:  # whatever it is, the watch goes on
            if not self._failing:
                log.warning("the database cannot be read, the status page is shown as last seen: %r", error)
            self._failing = True
            return False
        if self._failing:
            log.warning("the database is back, the status page is shown as it says")
        self._failing = False
        return True

    def _forget_threads(self) -> None:
        """A forked child has the memory of its parent and none of its threads."""
        self._thread = None
        self._stopping, self._tried = Event(), Event()
        self._starting = Lock()
