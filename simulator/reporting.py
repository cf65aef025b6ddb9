"""What is told every second: the counts, the gauges and the complaints since the last report."""

from __future__ import annotations

from simulator.complaints import MEMORY, Complaints
from simulator.faults import STANDING, Fault, Kind
from simulator.machine import Machine
from simulator.metrics import Tally
from simulator.outbox import Outbox
from simulator.player import Player


class Reporter:
    """One thread reports. `now` is the player's clock, in seconds from anywhere; `at` is unix seconds."""

    def __init__(self, player: Player, tally: Tally, machine: Machine, outbox: Outbox, *, now: float) -> None:
        self._player, self._tally, self._machine, self._outbox = player, tally, machine, outbox
        self._complaints, self._before = Complaints(), now

    def report(self, *, now: float, at: int) -> None:
        """Put what has come together since the last report into the outbox, and send what waits there."""
        passed, self._before = now - self._before, now
        for complaint in self._complaints.due(self._player.faults, self._player.last_on, now=now, passed=passed):
            self._outbox.complain(complaint, at=at)
        load = sum(fault.rate for fault in self._standing(now) if fault.kind is Kind.LOAD)
        self._outbox.put(self._tally.take(at=at, gauges=self._machine.take(extra_load=load)))
        self._outbox.send()

    def healthy(self, now: float) -> bool:
        """What nctool's health address tells."""
        return not any(fault.kind is Kind.DOWN for fault in self._standing(now))

    def _standing(self, now: float) -> list[Fault]:
        """The faults that last while users have their flag on."""
        users = self._player.last_on
        return [
            fault
            for fault in self._player.faults
            if fault.kind in STANDING and any(now - at < MEMORY for at in users[fault.flag].values())
        ]
