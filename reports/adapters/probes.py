"""Whether the servers we lean on answer, asked so that no page ever waits for one that does not."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TookTooLong
from dataclasses import dataclass, field
from functools import cache

import redis
from django.conf import settings
from pymongo import MongoClient
from pymongo.errors import PyMongoError
from redis.backoff import NoBackoff
from redis.retry import Retry

FRESH_SECONDS = 4.0
PATIENCE_SECONDS = 0.4
_MILLISECONDS = 1_000


@dataclass(frozen=True, slots=True)
class Answer:
    """`ok` is None as long as the first answer is still awaited. `detail` says what went wrong."""

    ok: bool | None
    detail: str = ""


@dataclass(slots=True)
class Probe:
    """One question in a thread of its own, whose last answer is good for four seconds.

    A page waits at most 0.4 s for it, and after that is given the last answer there was.
    """

    ask: Callable[[], None]
    last: Answer = Answer(None, "no answer yet")
    _asked_at: float = field(default=float("-inf"))
    _running: Future[Answer] | None = None

    def answer(self, pool: ThreadPoolExecutor) -> Answer:
        if self._running is None and time.monotonic() - self._asked_at > FRESH_SECONDS:
            self._asked_at = time.monotonic()
            self._running = pool.submit(self._try)
        running = self._running
        if running is not None:
            try:
                self.last = running.result(PATIENCE_SECONDS)
            except TookTooLong:
                return self.last if self.last.ok is False else Answer(None, "slow to answer")
            self._running = None
        return self.last

    def _try(self) -> Answer:
        try:
            self.ask()
        except (redis.RedisError, PyMongoError, OSError) as error:
            return Answer(False, " ".join(str(error).split())[:160])
        return Answer(True)


def _ask_redis() -> None:
    _redis(settings.REDIS).ping()


def _ask_mongodb() -> None:
    _mongodb(settings.NCTOOL_MONGODB).admin.command("ping")


@cache
def _redis(url: str) -> redis.Redis:
    once = Retry(NoBackoff(), 0)
    return redis.Redis.from_url(url, socket_connect_timeout=0.5, socket_timeout=1, retry=once)


@cache
def _mongodb(url: str) -> MongoClient[dict[str, object]]:
    return MongoClient(
        url,
        connect=False,
        serverSelectionTimeoutMS=_MILLISECONDS,
        connectTimeoutMS=_MILLISECONDS,
        socketTimeoutMS=_MILLISECONDS,
    )


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=2, thread_name_prefix="probe")


@cache
def probes() -> dict[str, Probe]:
    return {"redis": Probe(_ask_redis), "mongodb": Probe(_ask_mongodb)}


def answers() -> dict[str, Answer]:
    """The answer of each server, by name."""
    return {name: probe.answer(_pool()) for name, probe in probes().items()}
