"""Redis pub/sub: tells every process that there is something new, above all a new configuration of an environment.

News may be lost; every process also polls. So failing here is logged and never stops a command.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping
from functools import cache
from threading import Event

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.client import PubSub
from redis.retry import Retry

CHANNEL = "nctool-rollout:configuration"
PAUSE = 2.0  # seconds without another try after Redis hung: a second kill switch must not wait again
log = logging.getLogger(__name__)
_silent_until = 0.0


@cache
def client() -> redis.Redis:
    """One connection pool per process; short time-outs and no retries, because a kill switch must not wait."""
    return redis.Redis.from_url(
        settings.REDIS,
        socket_connect_timeout=0.5,
        socket_timeout=0.5,
        socket_keepalive=True,
        retry=Retry(NoBackoff(), 0),
    )


def announce(environment: str, version: int) -> bool:
    """Publish the version; False when Redis did not take it."""
    return publish(CHANNEL, {"environment": environment, "version": version})


def publish(channel: str, news: Mapping[str, str | int]) -> bool:
    """Tell those who wait at this channel; False when Redis did not take it."""
    global _silent_until
    if time.monotonic() < _silent_until:
        return False
    try:
        client().publish(channel, json.dumps(news))
    except redis.RedisError as error:
        if isinstance(error, redis.TimeoutError):
            _silent_until = time.monotonic() + PAUSE
        log.warning("%s: %s not announced, processes will poll: %s", channel, dict(news), error)
        return False
    return True


def reachable() -> bool:
    """Whether Redis answers now."""
    try:
        return bool(client().ping())
    except redis.RedisError:
        return False


class News:
    """Waits for announcements. It says only that there may be news; the reader asks the database what is true."""

    def __init__(self, channel: str = CHANNEL) -> None:
        self._channel = channel
        self._pubsub: PubSub | None = None

    def wait(self, seconds: float, stopping: Event) -> bool:
        """Whether something may have changed; False after `seconds` of silence, with or without Redis."""
        try:
            if self._pubsub is None:
                self._subscribe()
                return True  # what was announced before is lost
            return self._heard(self._pubsub, seconds)
        except (redis.RedisError, OSError) as error:
            if self._pubsub is not None:
                log.warning("Redis is gone, changes are found by polling: %s", error)
            self.close()
            stopping.wait(seconds)
            return False

    def close(self) -> None:
        pubsub, self._pubsub = self._pubsub, None
        if pubsub is not None:
            pubsub.close()

    def _subscribe(self) -> None:
        pubsub: PubSub = client().pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]
        pubsub.subscribe(self._channel)
        self._pubsub = pubsub

    def _heard(self, pubsub: PubSub, seconds: float) -> bool:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if pubsub.get_message(timeout=left):
                while pubsub.get_message(timeout=0):
                    pass  # many announcements are one piece of news
                return True
        return False
