"""The client: an evaluator that follows the server in threads of its own."""

from __future__ import annotations

import atexit
import logging
import os
import random
import socket
import ssl
import time
import weakref
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Event

from nctool_flags.disk import DiskCopy, default_path
from nctool_flags.evaluation import Evaluator
from nctool_flags.following import Follower
from nctool_flags.reporting import Reporter
from nctool_flags.routine import Routine
from nctool_flags.snapshot import Snapshot
from nctool_flags.streaming import Listener
from nctool_flags.transport import Address, Http

log = logging.getLogger("nctool_flags")
SOFTWARE = "nctool-flags-python/1.0"
LONGEST_INSTANCE = 100  # characters

Changed = Callable[[list[str]], None]


@dataclass(frozen=True, slots=True)
class Status:
    """How the client stands. `age` is seconds since the server last confirmed the flags, None when it never did.

    `source` is "nowhere", "disk" or "server". `problem` says why the last poll failed, empty when it did not.
    """

    environment: str
    version: int
    source: str
    age: float | None
    problem: str
    streaming: bool
    acknowledged: int
    dropped: int
    instance: str

    def to_dict(self) -> dict[str, object]:
        return asdict(self)


class Flags(Evaluator):
    """Feature flags of the environment that `token` belongs to (scope `snapshot`).

    `environment` refuses flags of any other one. `copy` is the file to start from while the server is down: by default
    one in the user's cache directory, none at all without `keep_copy`. `poll_seconds` and `report_seconds` have a
    jitter of 20 %; `report_seconds=0` reports nothing. `stream` may be a URL, or False. `timeout` is for each step of
    a request. `wait` is how many seconds the constructor waits for the server before it goes on with the copy or with
    the defaults in your code.

    Raises ValueError for settings that cannot be; whatever the server does raises nothing.
    """

    def __init__(
        self,
        url: str,
        token: str,
        *,
        environment: str = "",
        copy: Path | str | None = None,
        keep_copy: bool = True,
        poll_seconds: float = 30.0,
        report_seconds: float = 30.0,
        stream: bool | str = True,
        timeout: float = 10.0,
        wait: float = 1.0,
        instance: str = "",
        report_units: bool = True,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__()
        if min(poll_seconds, timeout) <= 0 or report_seconds < 0:
            raise ValueError("poll_seconds and timeout are more than 0, report_seconds is 0 or more")
        if isinstance(stream, str):
            Address.of(stream)
        self._http = Http(url, token, software=SOFTWARE, timeout=timeout, context=ssl_context)
        self._copy = DiskCopy(Path(copy or default_path(url, token)) if keep_copy else None)
        self._poll_seconds, self._report_seconds, self._stream = poll_seconds, report_seconds, stream
        self._environment, self._named, self._report_units = environment, instance, report_units
        self._listeners: list[Changed] = []
        self._closed = False
        self._assemble()
        self._follower.read_copy()
        self._start()
        this = weakref.ref(self)  # neither hook keeps a forgotten client alive
        if hasattr(os, "register_at_fork"):  # not on Windows
            os.register_at_fork(after_in_child=lambda: _call(this, Flags._after_fork))
        atexit.register(lambda: _call(this, Flags.close))
        self._tried.wait(wait)

    def on_change(self, listener: Changed) -> None:
        """Call `listener` with the keys that changed, in a thread of this library, after each new snapshot."""
        self._listeners.append(listener)

    def status(self) -> Status:
        confirmed = self._follower.confirmed_at
        return Status(
            environment=self.environment,
            version=self.version,
            source=self._follower.source,
            age=None if confirmed is None else time.monotonic() - confirmed,
            problem=self._follower.problem,
            streaming=self._listener is not None and self._listener.connected,
            acknowledged=self._reporter.acknowledged,
            dropped=self._reporter.dropped,
            instance=self._reporter.instance,
        )

    def close(self, timeout: float = 2.0) -> None:
        """Report what is left, for at most `timeout` seconds, and stop. Evaluation goes on with the last flags."""
        if self._closed:
            return
        self._closed = True
        if self._listener is not None:
            self._listener.close()
        for routine in self._routines:
            routine.stop()
        end = time.monotonic() + timeout
        for routine in self._routines:
            routine.join(end - time.monotonic())

    def __enter__(self) -> Flags:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def _assemble(self) -> None:
        """Everything that belongs to one process."""
        self._tried = Event()
        self._reporter = Reporter(
            self._http,
            self._units,
            interval=self._report_seconds or 1.0,
            instance=_instance(self._named),
            software=SOFTWARE,
            tell_units=self._report_units,
        )
        self._follower = Follower(
            self._http,
            self._copy,
            self._memo,
            self._swapped,
            interval=self._poll_seconds,
            environment=self._environment,
        )
        poll = self._polling = Routine("poll", self._follower.pace, self._poll)
        report = Routine("report", self._reporter.pace, self._reporter.send, self._reporter.finish)
        self._reporting = report if self._report_seconds else None
        self._listener: Listener | None = None
        self._routines = [poll, report] if self._report_seconds else [poll]
        if self._stream:
            self._listener = Listener(self._http, self._stream if isinstance(self._stream, str) else "", self._news)
            self._routines.append(Routine("stream", self._listener.pace, self._listener.listen))

    def _start(self) -> None:
        for routine in self._routines:
            routine.start()

    def _poll(self) -> None:
        try:
            self._follower.poll()
        finally:
            self._tried.set()

    def _news(self, version: int, etag: str) -> None:
        self._follower.expect(version, etag)
        self._polling.wake()

    def _swapped(self, snapshot: Snapshot) -> None:
        before = self._snapshot
        self._hold(snapshot)
        if self._reporting is not None:
            self._reporter.swapped(snapshot)
            self._reporting.wake()
        changed = snapshot.differences(before) if self._listeners else []
        for listener in self._listeners:
            try:
                listener(changed)
            except Exception:  # it is the caller's code
                log.exception("a listener for changed flags failed")

    def _after_fork(self) -> None:
        """Threads do not survive a fork. The counts so far are the parent's to report."""
        if self._closed:
            return
        snapshot, source, confirmed = self._snapshot, self._follower.source, self._follower.confirmed_at
        self._units.take_fresh()
        self._assemble()
        if snapshot is not None:
            for _ in snapshot.usage():
                pass
            self._follower.adopt(snapshot, source, confirmed)
            self._reporter.swapped(snapshot)
        self._start()


def _call(this: weakref.ref[Flags], method: Callable[[Flags], None]) -> None:
    flags = this()
    if flags is not None:
        method(flags)


def _instance(named: str) -> str:
    """A name of its own for each process, so that the server tells them apart."""
    name = named or socket.gethostname()
    tail = f"-{os.getpid()}-{random.getrandbits(32):08x}"
    return name[: LONGEST_INSTANCE - len(tail)] + tail
