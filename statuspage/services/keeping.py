"""What a process shows of the page: one picture in memory, renewed when it changes, kept on disk for bad times.

While the database or Redis is away the last picture stays, and it is known since when; it recovers by itself.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from core.watch import Watch
from statuspage import selectors
from statuspage.adapters import bus
from statuspage.adapters.disk import DiskCopy
from statuspage.domain.picture import Picture
from statuspage.selectors import shown

log = logging.getLogger(__name__)
POLL = 5.0  # seconds between two looks at the version
STALE = 30.0  # seconds without an answer of the database, then visitors are told
RENEW = 3600.0  # seconds, then it is read whole again: old incidents leave the page without any change


@dataclass(frozen=True, slots=True)
class Held:
    """One picture, and when the database last said that it is true."""

    picture: Picture
    as_of: datetime


class Keeper:
    """Keeps `held` up to date in a thread of its own. None: neither the database nor the disk has told anything."""

    def __init__(self, copy: Path, *, clock: Callable[[], datetime], poll_seconds: float = POLL) -> None:
        self.held: Held | None = None
        self._copy = DiskCopy(copy)
        self._clock = clock
        self._confirmed = self._read = float("-inf")
        self._watch = Watch(
            self.refresh,
            bus.news,
            name="status page",
            poll_seconds=poll_seconds,
            lost="the status page is shown as last seen",
            found="the status page is shown as it says",
        )

    def start(self) -> None:
        """Keep watch, and have a picture; a second call does nothing. Each process calls it for itself."""
        self._watch.start(self._load_copy)

    def stop(self) -> None:
        """End the watch, and let it be started again."""
        self._watch.stop()

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
