"""Tell the server what was asked, and which version this instance serves."""

from __future__ import annotations

import json
import logging
import time
from collections import deque
from itertools import chain
from threading import Lock
from typing import Any

from nctool_flags.bucketing import Units
from nctool_flags.compiling import Flag
from nctool_flags.pace import Pace
from nctool_flags.snapshot import Snapshot
from nctool_flags.transport import Http, Reply, Unreachable
from nctool_flags.usage import Ledger

log = logging.getLogger("nctool_flags")
LAST_REPORTS = 10
RETIRED = 8  # snapshots whose late counts are still looked for


class Reporter:
    """`send` is for one thread. A new version is told at once, usage every `interval` seconds."""

    def __init__(
        self, http: Http, units: Units, *, interval: float, instance: str, software: str, tell_units: bool
    ) -> None:
        self.pace = Pace(interval)
        self.acknowledged = 0
        self.instance = instance
        self._http, self._units, self._software, self._tell_units = http, units, software, tell_units
        self._ledger, self._lock = Ledger(), Lock()
        self._snapshot: Snapshot | None = None
        self._retired: deque[list[Flag]] = deque(maxlen=RETIRED)
        self._complained = self._stopping = False
        self.pace.succeeded(time.monotonic())

    @property
    def dropped(self) -> int:
        """Rows of usage that found no room or were refused."""
        return self._ledger.dropped

    def swapped(self, snapshot: Snapshot) -> None:
        """The counts of the snapshot that goes are kept; the version of the new one is told at once."""
        with self._lock:
            self._count()
            if self._snapshot is not None:
                self._retired.append(self._snapshot.gone(snapshot))
            self._snapshot = snapshot
        self.pace.hurry(time.monotonic())

    def send(self) -> None:
        """One report. More follow at once while there is more to tell."""
        report = self._report()
        if report is None:
            self.pace.succeeded(time.monotonic())
            return
        body = json.dumps(report).encode()  # ASCII, so that half of a surrogate pair stays readable
        try:
            self._answered(self._http.ask("POST", "/api/v1/clients/report", body=body), report["version"])
        except Unreachable:
            self.pace.failed(time.monotonic())

    def finish(self) -> None:
        """The last reports, unless the server cannot be reached or asked for a pause. They say that this is the end."""
        self._stopping = True
        self.pace.failures = 0
        for _ in range(LAST_REPORTS):
            if self.pace.floor > time.monotonic():
                return
            told = not self._ledger.is_waiting
            self.send()
            if self.pace.failures or (told and self._ledger.is_empty):
                return

    def _report(self) -> dict[str, Any] | None:
        with self._lock:
            if self._snapshot is None:
                return None
            self._count()
            return self._ledger.report(
                self._units.take_fresh if self._tell_units else list,
                instance=self.instance,
                software=self._software,
                version=self._snapshot.version,
                interval=max(1, round(self.pace.interval)),
                **({"stopping": True} if self._stopping else {}),
            )

    def _count(self) -> None:
        """Also what threads were still deciding by the last snapshots when these were swapped."""
        for flag in chain.from_iterable(self._retired):
            self._ledger.add(flag.usage())
        if self._snapshot is not None:
            self._ledger.add(self._snapshot.usage())

    def _answered(self, reply: Reply, version: int) -> None:
        now = time.monotonic()
        if reply.status < 300:
            self._ledger.taken()
            self.acknowledged = version
            self.pace.succeeded(now)
            self._complained = False
            if not self._ledger.is_empty or (self._snapshot is not None and self._snapshot.version != version):
                self.pace.hurry(now)
        elif reply.status in (401, 403):
            self._complain(reply.status)
            self.pace.refused(now)
        elif reply.status in (408, 425, 429) or reply.status >= 500:
            self.pace.failed(now, reply.retry_after)
        else:
            self._ledger.lost()
            self._complain(reply.status)
            self.pace.refused(now)

    def _complain(self, status: int) -> None:
        if not self._complained:
            log.warning("the server does not take reports of usage (%s); flags are evaluated all the same", status)
        self._complained = True
