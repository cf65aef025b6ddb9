"""What a process tells of itself: which versions it serves, and how often its flags were asked for.

It does so in a thread of its own, so that neither an evaluation nor the taking of a new configuration waits for the
database: at once after a new version, every ten seconds, and when the process ends. While the database is away all is
kept, and told when it is back.
"""

from __future__ import annotations

import logging
import os
import platform
import time
from collections.abc import Callable, Collection, Mapping
from datetime import date, datetime
from threading import Event, Thread
from typing import Protocol

from django.db import close_old_connections, connection

from core import environments
from flags.domain.usage import Backlog, Counts
from flags.services import instances, token_use, usage
from flags.services.holding import Held
from flags.services.instances import Process
from flags.services.usage import UsageSource

log = logging.getLogger(__name__)
SOFTWARE = "nctool-rollout"
EVERY = 10  # seconds
_LAST_WAIT = 1.0  # seconds that the end of the process waits for what is being told
_UNITS_AT_ONCE = 2_000  # npubs told of one environment at a time; those beyond come again, or do not matter
_UNITS_KEPT = 50_000

Clock = Callable[[], datetime]
Units = Mapping[str, Collection[str]]  # by environment


class Counting(Protocol):
    """What counts the evaluations of this process. One thread takes."""

    def take(self) -> Counts:
        """How often each answer was given since the last call."""

    def units(self) -> Units:
        """Npubs that were asked about since the last call, the newest of them."""


class Observer:
    """Give `heard` to the holder's listeners; the thread starts when it is first called."""

    _thread: Thread | None
    _process: Process | None
    _stopping: Event
    _wake: Event
    _backlog: Backlog
    _versions: dict[str, int]
    _taken: dict[tuple[str, int], datetime]

    def __init__(self, kind: str, *, clock: Clock, counting: Counting | None = None) -> None:
        self._kind, self._clock, self._counting = kind, clock, counting
        self._told_units: set[tuple[str, str]] = set()
        self._told_on: date | None = None
        self._failing = False
        self._forget_thread()
        os.register_at_fork(after_in_child=self._forget_thread)

    def heard(self, held: Held) -> None:
        """Take note of what the process holds now."""
        now = self._clock()
        if self._process is None:
            self._process = Process(_name(self._kind), self._kind, SOFTWARE, EVERY, now)
        news = [key for key, found in held.configurations.items() if self._versions.get(key) != found.version]
        for key in news:
            self._taken[key, held.configurations[key].version] = now
        self._versions = {key: found.version for key, found in held.configurations.items()}
        if self._thread is None:
            self._thread = Thread(target=self._watch, args=(self._stopping,), name="observer", daemon=True)
            self._thread.start()
        elif news:
            self._wake.set()

    def stop(self) -> None:
        """Tell the last of it, and that this process ends in order. Does nothing where nothing was heard."""
        if self._thread is None or self._process is None:
            return
        self._stopping.set()
        self._wake.set()
        self._thread.join(_LAST_WAIT)
        if not self._thread.is_alive() and self._tell(count=True):
            instances.stop(self._process, now=self._clock())
            connection.close()
        self._forget_thread()

    def _watch(self, stopping: Event) -> None:
        due = time.monotonic() + EVERY
        while not stopping.is_set():
            counting = time.monotonic() >= due
            if counting:
                due = time.monotonic() + EVERY
            self._tell(count=counting)
            self._wake.wait(EVERY)
            self._wake.clear()
        connection.close()

    def _tell(self, *, count: bool) -> bool:
        """Whether the database took it; what it did not take is told next time."""
        if count and self._counting is not None:
            self._backlog.add(self._clock(), self._counting.take())
        try:
            close_old_connections()
            ids = dict(environments.ordered().values_list("key", "pk"))
            self._beat(ids)
            if count:
                self._store(ids)
        except Exception as error:  # whatever it is, the process goes on
            if not self._failing:
                log.warning("usage and versions served cannot be told, they are kept: %r", error)
            self._failing = True
            connection.close()
            return False
        self._failing = False
        return True

    def _beat(self, ids: Mapping[str, int]) -> None:
        if self._process is None:
            return
        taken = {place: at for place, at in self._taken.copy().items() if place[0] in ids}
        versions = {ids[key]: version for key, version in self._versions.items() if key in ids}
        instances.beat(
            self._process,
            versions,
            {(ids[key], version): at for (key, version), at in taken.items() if ids[key] in versions},
            now=self._clock(),
        )
        for place in taken:
            del self._taken[place]

    def _store(self, ids: Mapping[str, int]) -> None:
        token_use.tell(today=self._clock().date())
        for at, environment, counts in self._backlog.waiting():
            if environment in ids:
                usage.add(ids[environment], counts, source=UsageSource.SERVER, now=at)
            self._backlog.done(at, environment)
        if self._counting is not None:
            self._see(ids, self._counting.units())

    def _see(self, ids: Mapping[str, int], units: Units) -> None:
        today = self._clock().date()
        if self._told_on != today or len(self._told_units) > _UNITS_KEPT:
            self._told_on, self._told_units = today, set()
        for environment, seen in units.items():
            fresh = [unit for unit in seen if (environment, unit) not in self._told_units][:_UNITS_AT_ONCE]
            if fresh and environment in ids:
                usage.see(ids[environment], fresh, on=today)
                self._told_units.update((environment, unit) for unit in fresh)

    def _forget_thread(self) -> None:
        """A forked child has the memory of its parent, and is another process."""
        self._thread, self._process = None, None
        self._stopping, self._wake = Event(), Event()
        self._backlog, self._versions, self._taken = Backlog(), {}, {}


def _name(kind: str) -> str:
    """What tells this process from all others that live."""
    return f"{kind}:{platform.node()[:60]}:{os.getpid()}"
