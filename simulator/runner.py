"""The running simulator: a schedule, a few workers, and a reporter."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from simulator import faults, plan
from simulator.evaluation import Evaluator
from simulator.health import Health
from simulator.ledger import Ledger, Unavailable
from simulator.machine import Machine
from simulator.metrics import Tally
from simulator.outbox import Outbox
from simulator.pace import Pace
from simulator.player import Player
from simulator.reporting import Reporter
from simulator.wire import Wire

log = logging.getLogger(__name__)
WORKERS = 8
REPORT_EVERY = 1.0
REPORT_TIMEOUT = 5.0
QUESTION_TIMEOUT = 1.0  # a melt does not wait longer for its flags
LOOK_EVERY = 0.5  # at the fault file, and at a database that was away
LAST_WORK = 0.7  # after the signal to stop
RENEW_PAUSE = 5.0  # a new token needs a moment until every web process knows it


@dataclass(frozen=True, slots=True)
class Config:
    """`rate` is melts a second; `fault_file` is read again and again; `GET /health` is answered on `health_port`."""

    base_url: str
    mongodb_url: str
    mongodb_name: str
    fault_file: Path
    rate: float = 10.0
    seed: int = 1
    health_port: int = 0


class Token:
    """The API token; `renew` is asked for another one when the server refuses it, and may fail."""

    def __init__(self, renew: Callable[[], str]) -> None:
        self._renew = renew
        self._lock = threading.Lock()
        self._text = renew()
        self._asked = time.monotonic()

    def text(self) -> str:
        return self._text

    def refused(self) -> None:
        with self._lock:
            if time.monotonic() - self._asked < RENEW_PAUSE:
                return
            self._asked = time.monotonic()
            try:
                self._text = self._renew()
            except Exception:
                log.exception("The API token was refused, and no other can be had now.")


class Simulator:
    """`run` plays until `stop` is set, and ends within a second of it."""

    def __init__(self, config: Config, renew_token: Callable[[], str]) -> None:
        clock = time.monotonic
        token = Token(renew_token)
        self._config = config
        self._ledger = Ledger(config.mongodb_url, config.mongodb_name)
        reports = Wire(config.base_url, token.text, timeout=REPORT_TIMEOUT)
        outbox = Outbox(reports, refused=token.refused, clock=clock)
        questions = Wire(config.base_url, token.text, timeout=QUESTION_TIMEOUT)
        evaluator = Evaluator(questions, refused=token.refused, clock=clock)
        tally = Tally()
        self._player = Player(evaluator, self._ledger, tally, clock=clock)
        self._machine = Machine(WORKERS, clock=clock, seed=config.seed)
        self._reporter = Reporter(self._player, tally, self._machine, outbox, now=clock())
        self._queue: queue.Queue[plan.Melt] = queue.Queue(WORKERS)
        self._looked = 0.0
        self._fault_trouble = ""

    def run(self, stop: threading.Event) -> None:
        """Raises ForeignDatabase when MongoDB holds wallets of a real nctool."""
        self._look()
        health = Health(self._config.health_port, self._healthy, clock=time.monotonic)
        workers = [threading.Thread(target=self._work, args=(stop,), daemon=True) for _ in range(WORKERS)]
        for worker in workers:
            worker.start()
        reporter = threading.Thread(target=self._report, args=(stop,), daemon=True)
        reporter.start()
        log.info("The simulator plays %s melts a second, seed %s.", f"{self._config.rate:g}", self._config.seed)
        self._schedule(stop)
        health.close()
        if _end([*workers, reporter]):
            self._ledger.close()

    def _healthy(self) -> bool:
        return self._reporter.healthy(time.monotonic())

    def _schedule(self, stop: threading.Event) -> None:
        """Hand out one melt after the other; when all workers are busy a turn is left out."""
        pace, number = Pace(self._config.rate, now=time.monotonic()), 0
        while not stop.is_set():
            wait = pace.wait(time.monotonic())
            if wait:
                stop.wait(min(wait, LOOK_EVERY))
            else:
                pace.taken()
                number += self._hand_out(number)
            if time.monotonic() - self._looked >= LOOK_EVERY:
                self._look()

    def _hand_out(self, number: int) -> bool:
        try:
            self._queue.put_nowait(plan.melt(self._config.seed, number))
        except queue.Full:
            return False
        return True

    def _work(self, stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                melt = self._queue.get(timeout=0.2)
            except queue.Empty:
                continue
            try:
                with self._machine.busy():
                    self._player.play(melt)
            except Exception:
                log.exception("Melt %s", melt.number)

    def _look(self) -> None:
        self._looked = time.monotonic()
        if not self._ledger.ready:
            try:
                self._ledger.open(plan.wallets(self._config.seed), with_history=True)
            except Unavailable as error:
                log.debug("MongoDB: %s", error)
        try:
            found = faults.read(self._config.fault_file)
        except (faults.BadFault, OSError) as error:
            if str(error) != self._fault_trouble:
                log.error("The faults stay as they were: %s", error)
            self._fault_trouble = str(error)
            return
        self._fault_trouble = ""
        if found != self._player.faults:
            log.info("Faults: %s", "; ".join(map(str, found)) or "none")
        self._player.faults = found

    def _report(self, stop: threading.Event) -> None:
        while not stop.wait(REPORT_EVERY):
            self._tell()
        self._tell()

    def _tell(self) -> None:
        try:
            self._reporter.report(now=time.monotonic(), at=int(time.time()))
        except Exception:
            log.exception("A report")


def _end(threads: Sequence[threading.Thread]) -> bool:
    """Let melts that are under way come to their end, but not for long; True when all did."""
    end = time.monotonic() + LAST_WORK
    for thread in threads:
        thread.join(timeout=max(0.0, end - time.monotonic()))
    return not any(thread.is_alive() for thread in threads)
