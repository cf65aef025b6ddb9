"""Follow the server's snapshot: poll it, take what is good, keep the last good one through everything else."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from urllib.parse import urlencode

from nctool_flags.conditions import moment
from nctool_flags.disk import DiskCopy
from nctool_flags.pace import Pace
from nctool_flags.reading import BadDocument
from nctool_flags.snapshot import Snapshot
from nctool_flags.transport import Http, Reply, Unreachable

log = logging.getLogger("nctool_flags")
PATH = "/api/v1/snapshot"
SPREAD = 0.1  # seconds over which the instances of one change come
CATCH_UP = 8  # polls in quick succession after news, for a web process that has not heard it yet
PATIENCE = 5  # polls in a row that answer an older version, until it is believed: then a database was restored

Swap = Callable[[Snapshot], None]


class Follower:
    """`poll` is for one thread. `confirmed_at` is when the server last confirmed the snapshot, by the monotonic clock.

    `swap` is called with each snapshot that takes the place of the last one.
    """

    def __init__(
        self, http: Http, copy: DiskCopy, memo: Mapping[str, int], swap: Swap, *, interval: float, environment: str
    ) -> None:
        self.pace = Pace(interval)
        self.source = "nowhere"
        self.confirmed_at: float | None = None
        self.problem = ""
        self._http, self._copy, self._memo, self._swap = http, copy, memo, swap
        self._environment = environment
        self._held: Snapshot | None = None
        self._etag = ""
        self._wanted, self._hurries, self._calls, self._older = 0, 0, 0, 0
        self._announced = ""  # the ETag of the last news: no web process may answer from before it

    def read_copy(self) -> None:
        """Start from the disk. A damaged copy is as good as none."""
        content = self._copy.read()
        if content is None:
            return
        try:
            self._take(self._readable(content), "disk")
        except BadDocument as error:
            log.warning("the copy of the flags on disk is not used: %s", error)

    def adopt(self, held: Snapshot, source: str, confirmed_at: float | None) -> None:
        """Go on from the snapshot of the process this one was forked from."""
        self._held, self.source, self.confirmed_at = held, source, confirmed_at

    def expect(self, version: int = 0, etag: str = "") -> None:
        """There is news, of this version if it is known: poll at once, and again while an older one comes."""
        if etag and etag == self._etag.removeprefix("W/"):
            return
        self._wanted, self._announced, self._hurries, self._calls = version, etag, 0, self._calls + 1
        self.pace.hurry(time.monotonic(), SPREAD)

    def poll(self) -> None:
        calls = self._calls
        path = f"{PATH}?{urlencode({'flagConfigEtag': self._announced})}" if self._announced else PATH
        headers = {"If-None-Match": self._etag} if self._etag else {}
        try:
            self._answered(self._http.ask("GET", path, headers=headers))
        except (Unreachable, BadDocument) as error:
            self._failed(str(error), None)
        if self._calls != calls:  # news came meanwhile: the answer may be from before
            self.pace.hurry(time.monotonic(), SPREAD)

    def _answered(self, reply: Reply) -> None:
        if reply.status == 200:
            self._read(reply)
        elif reply.status == 304 and self._held is not None:
            self._confirmed()
        elif reply.status in (401, 403):
            self._tell(f"the server refuses the token ({reply.status}); the last flags stay")
            self.pace.refused(time.monotonic())
        else:
            self._failed(f"the server answered {reply.status}", reply.retry_after)

    def _read(self, reply: Reply) -> None:
        """Raises BadDocument."""
        new = self._readable(reply.body)
        if self._is_older(new):
            self._older += 1
            if self._older < PATIENCE:
                self._tell(f"an older version came, {new.version}; {self._version} stays")
                self.pace.succeeded(time.monotonic())
                self._catch_up()
                return
            log.warning("the server went back from version %s to %s and stays there", self._version, new.version)
        self._etag = reply.headers.get("ETag", "")
        held = self._held
        changed = held is None or held.mark != new.mark or held.texts != new.texts
        if changed:
            self._take(new, "server")
        self._confirmed()
        if changed:
            self._copy.keep(reply.body)

    def _readable(self, content: bytes) -> Snapshot:
        new = Snapshot.read(content, self._memo, self._held)
        if self._environment and new.environment != self._environment:
            raise BadDocument(f"flags of {new.environment!r}, and {self._environment!r} was asked for")
        return new

    def _is_older(self, new: Snapshot) -> bool:
        """Web processes may lag behind each other. After a restore of the database the next change is newer by time."""
        held = self._held
        if held is None or held.environment != new.environment or new.version >= held.version:
            return False
        return (moment(new.changed_at) or 0) <= (moment(held.changed_at) or 0)

    def _take(self, new: Snapshot, source: str) -> None:
        self._held, self.source = new, source
        self._swap(new)

    def _confirmed(self) -> None:
        if self.problem:
            log.info("the flags are up to date again, version %s", self._version)
        self.problem, self._older, self.source = "", 0, "server"
        self.confirmed_at = time.monotonic()
        self.pace.succeeded(self.confirmed_at)
        self._catch_up()

    def _catch_up(self) -> None:
        if self._version >= self._wanted:
            self._announced = ""
        elif self._hurries < CATCH_UP:
            self.pace.hurry(time.monotonic() + 0.1 * 2**self._hurries, SPREAD)
            self._hurries += 1
        else:
            self._wanted, self._announced = 0, ""

    def _failed(self, problem: str, retry_after: float | None) -> None:
        self._tell(f"{problem}; {'the last flags stay' if self._held else 'no flags yet, defaults are answered'}")
        self.pace.failed(time.monotonic(), retry_after)

    def _tell(self, problem: str) -> None:
        """Once, not at every poll."""
        if problem != self.problem:
            log.warning("flags: %s", problem)
        self.problem = problem

    @property
    def _version(self) -> int:
        return self._held.version if self._held is not None else 0
