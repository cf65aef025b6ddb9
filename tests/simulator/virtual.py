"""nctool and the control plane in one process, on a clock that the test turns: an hour passes in seconds.

The simulator's player, faults and reports are the real ones, and so are the doors' services, the guard, the ramps
and the database. Played are the wire between the two, MongoDB, and the time.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from core import heartbeats
from core.actors import Actor, ActorKind
from flags.api.ofrep import OfrepDoor
from flags.services.holding import Holder
from monitoring.domain.complaints import Said
from monitoring.services import complaints, guard, ingest
from rollouts.services import clock as ramps
from simulator import plan
from simulator.evaluation import PATH, Evaluator
from simulator.faults import Fault
from simulator.ledger import Broken, Spoilt
from simulator.machine import Machine
from simulator.metrics import Tally
from simulator.outbox import METRICS, Outbox
from simulator.plan import Melt, Wallet
from simulator.player import Player
from simulator.reporting import Reporter
from simulator.runner import WORKERS
from simulator.wire import Answer

LATE = 2  # the guard's second: one before the last ten seconds are complete, so that it sees everything at its latest


class Purse:
    """A ledger that never fails by itself."""

    def balance(self, wallet: Wallet) -> None:
        pass

    def melt_legacy(self, melt: Melt) -> None:
        pass

    def melt_atomic(self, melt: Melt, *, broken: bool, spoilt: Spoilt) -> None:
        if broken:
            raise Broken


class InProcess:
    """The wire: each door's own service, at the virtual time."""

    def __init__(self, door: OfrepDoor, token: str, environment: str, now: Callable[[], datetime]) -> None:
        self._door, self._token, self._environment, self._now = door, token, environment, now

    def post(self, path: str, body: dict[str, Any]) -> Answer:
        if path == PATH:
            return self._evaluated(json.dumps(body).encode())
        if path == METRICS:
            ingest.store(self._environment, body, now=self._now())
        else:
            complaints.receive(
                self._environment, Said(**body), actor=Actor("simulator", ActorKind.MACHINE), now=self._now()
            )
        return Answer(202, {}, 0)

    def _evaluated(self, body: bytes) -> Answer:
        asked = {
            "PATH_INFO": PATH,
            "REQUEST_METHOD": "POST",
            "CONTENT_TYPE": "application/json",
            "HTTP_AUTHORIZATION": f"Bearer {self._token}",
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": io.BytesIO(body),
        }
        told: list[str] = []
        content = b"".join(self._door(asked, lambda status, headers: told.append(status)))
        return Answer(int(told[0][:3]), json.loads(content), 0)


class Virtual:
    """`at` is the time; `passes` lets it pass. `rate` is melts a second, the others are whole seconds.

    Less often is cheaper and changes no verdict: what is judged does not depend on how often the guard looks.
    """

    def __init__(
        self,
        at: datetime,
        holder: Holder,
        door: OfrepDoor,
        token: str,
        *,
        rate: int = 20,
        report_every: int = 1,
        guard_every: int = 10,
        environment: str = "production",
    ) -> None:
        self.at, self._began = at, at
        self._holder, self._rate, self._report_every, self._guard_every = holder, rate, report_every, guard_every
        self._numbers = iter(range(10**9))
        wire: Any = InProcess(door, token, environment, lambda: self.at)
        ledger: Any = Purse()
        tally = Tally()
        evaluator = Evaluator(wire, refused=lambda: None, clock=self._clock)
        self._player = Player(evaluator, ledger, tally, clock=self._clock)
        outbox = Outbox(wire, refused=lambda: None, clock=self._clock)
        machine = Machine(WORKERS, clock=self._clock, seed=1)
        self._reporter = Reporter(self._player, tally, machine, outbox, now=self._clock())

    def breaks(self, fault: Fault) -> None:
        self._player.faults = [fault]

    def heals(self) -> None:
        self._player.faults = []

    def passes(self, seconds: int, *, unless: Callable[[], bool] = lambda: False) -> int:
        """Let so many seconds pass, or fewer when `unless` comes true; how many it were."""
        for passed in range(seconds):
            if unless():
                return passed
            self._second()
        return seconds

    def _clock(self) -> float:
        return (self.at - self._began).total_seconds()

    def _second(self) -> None:
        for _ in range(self._rate):
            self._player.play(plan.melt(1, next(self._numbers)))
        self.at += timedelta(seconds=1)
        second = int(self.at.timestamp())
        if second % self._report_every == 0:
            self._reporter.report(now=self._clock(), at=second - 1)
        if second % self._guard_every == LATE:
            guard.judge_all(now=self.at)
            heartbeats.beat("guard", now=self.at)
            ramps.follow(now=self.at)
            ramps.advance_due(now=self.at)
            self._holder.refresh()
