"""What a process answers from: the snapshots of all environments and the live tokens, in memory.

Every web process has one holder. It is swapped as a whole when Redis announces a change, or when a poll finds one,
so evaluation takes no lock. While the database or Redis is away the last picture stays; it recovers by itself.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from pathlib import Path
from threading import Lock

from django.conf import settings

from core.watch import Watch
from flags import selectors
from flags.adapters.bus import News
from flags.adapters.disk import DiskCopy
from flags.domain.configuration import EnvironmentConfig, Mark, TokenConfig
from flags.domain.snapshot import Snapshot

log = logging.getLogger(__name__)
_TRIES = 3
_TURN = 0.001  # seconds


class Source(StrEnum):
    """Where the picture comes from. NOWHERE: nothing could be read yet, so nothing can be answered."""

    NOWHERE = "nowhere"
    DISK = "disk"
    DATABASE = "database"


@dataclass(frozen=True, slots=True)
class Held:
    """One picture. `tokens` are found by the digest of their text."""

    source: Source = Source.NOWHERE
    configurations: Mapping[str, EnvironmentConfig] = field(default_factory=dict)
    snapshots: Mapping[str, Snapshot] = field(default_factory=dict)
    tokens: Mapping[str, TokenConfig] = field(default_factory=dict)

    @property
    def marks(self) -> dict[str, Mark]:
        return {key: configuration.mark for key, configuration in self.configurations.items()}

    def with_news(self, source: Source, news: Mapping[str, EnvironmentConfig], keys: Iterable[str]) -> Held:
        """The picture of the environments in `keys`: what is in `news` compiled anew, the rest as it is."""
        configurations = {key: news.get(key) or self.configurations[key] for key in keys}
        snapshots = {
            key: Snapshot(news[key], self.snapshots.get(key)) if key in news else self.snapshots[key] for key in keys
        }
        tokens = {token.digest: token for found in configurations.values() for token in found.tokens}
        return Held(source, configurations, snapshots, tokens)


class Holder:
    """Keeps `held` up to date in a thread of its own. `checked_at` is when the database last confirmed it.

    `listeners` are told each time the database has confirmed or changed what is held: at once, in that thread, so
    they only take note.
    """

    _refreshing: Lock
    _swapping: Lock

    def __init__(self, copy: DiskCopy, *, poll_seconds: float) -> None:
        self.held = Held()
        self.checked_at: float | None = None
        self.listeners: list[Callable[[Held], None]] = []
        self._copy = copy
        self._watch = Watch(
            self.refresh,
            News,
            name="snapshot",
            poll_seconds=poll_seconds,
            lost="flags are evaluated as last seen",
            found="flags are evaluated as it says",
        )
        self._forget_locks()
        os.register_at_fork(after_in_child=self._forget_locks)

    def start(self) -> None:
        """Keep watch, and have a picture; a second call does nothing. Each process calls it for itself.

        The database comes first, for the copy on disk may be old. When it does not answer at once, the copy must do.
        """
        self._watch.start(self._load_copy)

    def stop(self) -> None:
        """End the watch, and let it be started again."""
        self._watch.stop()
        self._forget_locks()

    def refresh(self) -> bool:
        """Take what the database says now; True when that is something new.

        A version that went back is taken too: the database was restored, and its word counts.
        Raises django.db.Error when it cannot be reached.
        """
        with self._refreshing:
            held, marks = self.held, selectors.configuration_marks()
            new = held.source is not Source.DATABASE or marks != held.marks
            if new:
                with _short_turns():
                    self._swap(self._loaded(held, marks))
            self.checked_at = time.monotonic()
            for listen in self.listeners:
                listen(self.held)
            with _short_turns():
                self._copy.keep(self.held.configurations)
            return new

    @property
    def age(self) -> float | None:
        """Seconds since the database last confirmed the picture; None when it never did."""
        return None if self.checked_at is None else time.monotonic() - self.checked_at

    def _loaded(self, held: Held, marks: Mapping[str, Mark]) -> Held:
        """Read what changed, again when it changed under the reading: a picture is never half old."""
        for _ in range(_TRIES):
            changed = {key: mark for key, mark in marks.items() if not _is_held(held, key, mark)}
            news = selectors.configurations(changed, _known(held, changed))
            read, marks = marks, selectors.configuration_marks()
            if read == marks:
                break
        return held.with_news(Source.DATABASE, news, read)

    def _load_copy(self) -> None:
        if self.held.source is not Source.NOWHERE:
            return
        kept = self._copy.read()
        if kept is not None:
            self._swap(Held().with_news(Source.DISK, kept, kept))
            log.warning("the database does not answer: flags are evaluated as in %s", self._copy.path)

    def _swap(self, held: Held) -> None:
        """The copy on disk never takes the place of what the database said meanwhile."""
        with self._swapping:
            if held.source is Source.DATABASE or self.held.source is Source.NOWHERE:
                self.held = held

    def _forget_locks(self) -> None:
        """A forked child has the memory of its parent and none of its threads, which may hold them."""
        self._refreshing, self._swapping = Lock(), Lock()


@cache
def holder() -> Holder:
    """The holder of this process."""
    return Holder(DiskCopy(Path(settings.DATA_DIR) / "snapshot"), poll_seconds=settings.SNAPSHOT_POLL_SECONDS)


def live_token(digest: str) -> TokenConfig | None:
    """The live token with this digest: from memory, or from the database when memory does not know it (yet)."""
    return holder().held.tokens.get(digest) or selectors.live_token(digest)


@contextmanager
def _short_turns() -> Iterator[None]:
    """Let threads that evaluate meanwhile wait a millisecond for their turn, and not the interpreter's usual five."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(_TURN)
    try:
        yield
    finally:
        sys.setswitchinterval(usual)


def _is_held(held: Held, key: str, mark: Mark) -> bool:
    return held.source is Source.DATABASE and held.marks.get(key) == mark


def _known(held: Held, changed: Mapping[str, Mark]) -> dict[str, EnvironmentConfig]:
    """What need not be read again: nothing where a version went back, for then the same number may mean another."""
    return {
        key: held.configurations[key]
        for key, (version, _) in changed.items()
        if held.source is Source.DATABASE and key in held.configurations and version > held.configurations[key].version
    }
