"""What a run works with, and what it looks at before every batch: its lease, people's wishes, and the brakes."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, TypeVar

from django.db import DatabaseError, close_old_connections
from pymongo.database import Database
from pymongo.errors import PyMongoError

from migrations_app.adapters import replication, target
from migrations_app.adapters.journal import Journal
from migrations_app.adapters.lease import Lease, LeaseLost
from migrations_app.domain.migration import Migration, PhaseName
from migrations_app.domain.pace import Brake, Lag, Pace, brake
from migrations_app.domain.states import LogStatus, Traffic, Wish
from migrations_app.domain.steps import Point

log = logging.getLogger(__name__)
LOOK_EVERY = 1.0  # seconds between two looks at wishes, lag and brakes
DISK_EVERY = 10.0  # seconds between two looks at the disk, which cost the server more
TRY_EVERY = 1.0  # seconds between two tries of something that is away
MARGIN = 10.0  # seconds of the lease that must be left before anything is written
T = TypeVar("T")


class Stop(Exception):
    """The run ends here: `why`, and whether what it did is taken back. A wish of a person is no failure."""

    def __init__(self, why: str, *, wish: Wish = Wish.NONE, named: Mapping[str, Any] | None = None) -> None:
        super().__init__(why)
        self.why, self.wish, self.named = why, wish, dict(named or {})


class Shutdown(Exception):
    """The worker has to go; the next one goes on at the checkpoint."""


class Desk(Protocol):
    """Where people see and steer a run: rows of the control plane, written only while the run is ours."""

    def look(self) -> tuple[Wish, int]:
        """What people want, and the speed in percent."""
        ...

    def progress(self, picture: Mapping[str, Any]) -> None: ...

    def phase(self, name: PhaseName, status: LogStatus, *, result: Mapping[str, Any], error: str = "") -> None: ...

    def found(self, field_: str, results: Mapping[str, Any]) -> None:
        """What a validation found: `before` or `after`."""
        ...


@dataclass
class Work:
    """One run in the hands of one worker. `at` is told every point that the worker comes by."""

    uid: str
    migration: Migration
    phases: tuple[str, ...]
    canary: int
    traffic: Traffic
    database: Database[dict[str, Any]]
    lease: Lease
    journal: Journal
    desk: Desk
    pace: Pace
    at: Callable[[Point], None] = lambda _: None
    stopping: Callable[[], bool] = lambda: False
    brakes: tuple[Callable[[], str], ...] = ()
    undoing: bool = False
    fenced: bool = False  # by the server's clock, every write
    lag: Lag = field(default_factory=lambda: Lag(None, 0))
    picture: dict[str, Any] = field(default_factory=dict)
    _looked: float = 0.0
    _disk: tuple[float, float | None] | None = None  # when it was looked at, and its free share

    @property
    def started_at(self) -> datetime:
        """When the run began, by the server's clock: the same after every resume."""
        found: datetime = self.journal.state["started_at"]
        return found

    def breathe(self, *, force: bool = False) -> None:
        """Before anything is written: is it still ours, may it go on? Waits where it has to.

        Raises LeaseLost, Shutdown, and Stop for what a person or the lag wants.
        """
        self.need_lease()
        if not force and time.monotonic() - self._looked < LOOK_EVERY:
            return
        while True:
            if self.stopping():
                raise Shutdown
            wish, self.pace.speed = self.tell(self.desk.look)
            if wish is not Wish.NONE:
                raise Stop("", wish=wish)
            why = self._braked()
            self._looked = time.monotonic()
            self.show(waiting=why)
            if not why:
                return
            time.sleep(LOOK_EVERY)
            self.need_lease()

    def need_lease(self) -> None:
        """Have enough of the lease left for a batch. Raises LeaseLost."""
        self.lease.renew_if_due()
        if self.lease.left() < MARGIN:
            self.lease.renew()

    @property
    def until(self) -> int | None:
        """From when on the server does none of our writes, in milliseconds of its clock; None where it is not asked."""
        return self.lease.until - int(MARGIN * 500) if self.fenced else None

    def show(self, **fields: Any) -> None:
        """Show people how far it is."""
        self.picture.update(fields)
        self.picture["lag"] = self.lag.seconds
        self.tell(lambda: self.desk.progress(self.picture))

    def tell(self, say: Callable[[], T]) -> T:
        """Read or write a row of the control plane. While that is away nothing is migrated: nobody could stop it."""
        while True:
            try:
                return say()
            except DatabaseError:
                log.warning("%s: the control plane's database is away", self.uid, exc_info=True)
                close_old_connections()
                self.wait()

    def steady(self, do: Callable[[], T]) -> T:
        """Do something with MongoDB, again and again while it is away. What is done twice must do no harm."""
        while True:
            try:
                return do()
            except PyMongoError as error:
                if not target.is_passing(error):
                    raise Stop(target.words(error)) from error
                log.warning("%s: MongoDB is away: %s", self.uid, target.words(error))
                self.show(waiting=f"MongoDB does not answer: {target.words(error)}"[:300])
                self.wait()

    def meanwhile(self, what: str, do: Callable[[], T]) -> T:
        """Something of the server's that takes as long as it takes, done beside; the lease is kept meanwhile."""
        self.breathe(force=True)
        began = time.monotonic()
        with ThreadPoolExecutor(1) as pool:
            future = pool.submit(do)
            while not wait([future], timeout=LOOK_EVERY).done:
                self.need_lease()
                self.show(waiting=f"{what}, for {time.monotonic() - began:.0f} s by now.")
            self.show(waiting="")
            return future.result()

    def wait(self) -> None:
        """A second, in which the lease is kept if it can be. Raises Shutdown and LeaseLost."""
        time.sleep(TRY_EVERY)
        if self.stopping():
            raise Shutdown
        try:
            self.lease.renew()
        except PyMongoError as error:
            if not target.is_passing(error):
                raise LeaseLost(target.words(error)) from error

    def _braked(self) -> str:
        """Why it has to wait. The way back waits for secondaries, but they never end it, and no guard holds it."""
        self.lag = self.steady(lambda: replication.lag(self.database))
        queued = self.steady(lambda: replication.queued(self.database))
        found: Brake | None = brake(self.lag, queued, None if self.undoing else self._free())
        if self.undoing:
            return found.why if found else ""
        if found is not None and found.abort:
            raise Stop(found.why)
        return found.why if found else next(filter(None, (self.tell(each) for each in self.brakes)), "")

    def _free(self) -> float | None:
        """A server that does not tell is asked once: the question may cost it much."""
        if self._disk is None or (self._disk[1] is not None and time.monotonic() - self._disk[0] >= DISK_EVERY):
            self._disk = time.monotonic(), self.steady(lambda: replication.free(self.database))
        return self._disk[1]
