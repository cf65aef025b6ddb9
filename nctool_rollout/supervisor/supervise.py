"""The loop: start in order, restart what dies, end all together."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType

from core import lifeline
from nctool_rollout.supervisor.children import Child
from nctool_rollout.supervisor.plan import Part

TICK = 0.05
SLOW_START = 30.0
GRACE = 2.0  # for web, worker, beat and simulator; the worker may be in the middle of a task
WHOLE_GRACE = 3.5  # for them and then Redis and MongoDB, whose data survives a kill
TRIM_EVERY = 60.0
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class StartFailed(Exception):
    """A part ended before the system was ready; the message holds the end of its log."""


class Supervisor:
    """Runs the parts until a signal ends it. `say` prints a line for the person at the terminal."""

    def __init__(self, parts: Sequence[Part], *, logs: Path, say: Callable[[str], None], echo: bool) -> None:
        logs.mkdir(parents=True, exist_ok=True)
        environment = {**os.environ, lifeline.TIED: "1", "PYTHONUNBUFFERED": "1"}
        self.children = [Child(part, log=logs / f"{part.name}.log", environment=environment) for part in parts]
        self.logs = logs
        self.say = say
        self.echo = echo
        self.stopping = False
        self.ready = False

    def run(self, when_ready: Callable[[], None]) -> None:
        """Start all, call `when_ready` once, and stay until SIGTERM, SIGINT or SIGHUP. Ends in at most 5 s."""
        before = {number: signal.signal(number, self._stop) for number in STOP_SIGNALS}
        began = trimmed = time.monotonic()
        told_slow = False
        try:
            while not self.stopping:
                now = time.monotonic()
                self._tick(now)
                if not self.ready and all(child.poll_answer() for child in self.children):
                    self.ready = True
                    when_ready()
                if not self.ready and not told_slow and now - began > SLOW_START:
                    told_slow = True
                    self._tell_slow()
                if now - trimmed > TRIM_EVERY:
                    trimmed = now
                    for child in self.children:
                        child.trim()
                time.sleep(TICK)
        finally:
            self._end_all()
            for number, handler in before.items():
                signal.signal(number, handler)

    def _stop(self, _signal: int, _frame: FrameType | None) -> None:
        self.stopping = True

    def _tick(self, now: float) -> None:
        for child in self.children:
            code = child.died(now=now)
            if code is not None:
                self._died(child, code, now)
            if child.process is None and self._may_start(child, now):
                child.start(now=now)
        if self.echo:
            self._echo()

    def _may_start(self, child: Child, now: float) -> bool:
        if child.failures:
            return child.start_at is not None and now >= child.start_at
        return all(other.poll_answer() for other in self.children if other.part.name in child.part.after)

    def _died(self, child: Child, code: int, now: float) -> None:
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
        if not self.ready:
            tail = "\n".join(f"    {line}" for line in child.last_lines())
            raise StartFailed(f"{child.part.name} {how} before the system was ready. The end of {child.log}:\n{tail}")
        wait = (child.start_at or now) - now
        self.say(f"{time.strftime('%H:%M:%S')} {child.part.name} {how}; starting it again in {wait:.1f} s")

    def _tell_slow(self) -> None:
        waiting = ", ".join(child.part.name for child in self.children if not child.answered)
        self.say(f"Not ready after {SLOW_START:.0f} s, still waiting for {waiting}. The logs are in {self.logs}.")

    def _echo(self) -> None:
        for child in self.children:
            for line in child.new_lines():
                self.say(f"{child.part.name:<9} | {line}")

    def _end_all(self) -> None:
        """What uses the servers first, then the servers; who does not end in time is killed."""
        began = time.monotonic()
        for last, grace in ((False, GRACE), (True, WHOLE_GRACE)):
            group = [child for child in self.children if child.part.stops_last is last]
            for child in group:
                child.terminate()
            while time.monotonic() - began < grace and not all(child.ended() for child in group):
                time.sleep(TICK)
            for child in group:
                if not child.ended():
                    self.say(f"{child.part.name} did not end in time and is killed")
                child.kill()
        if self.echo:
            self._echo()
