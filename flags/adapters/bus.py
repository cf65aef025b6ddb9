"""Redis pub/sub: tells every process that an environment has a new configuration version.

News may be lost; every process also polls. So failing here is logged and never stops a command.
"""

from __future__ import annotations

import json
import logging
from functools import cache

import redis
from django.conf import settings

CHANNEL = "nctool-rollout:configuration"
log = logging.getLogger(__name__)


@cache
def client() -> redis.Redis:
    """One connection pool per process; short time-outs, because a kill switch must not wait for Redis."""
    return redis.Redis.from_url(settings.REDIS, socket_connect_timeout=0.5, socket_timeout=1)


def announce(environment: str, version: int) -> bool:
    """Publish the version; False when Redis did not take it."""
    try:
        client().publish(CHANNEL, json.dumps({"environment": environment, "version": version}))
    except redis.RedisError as error:
        log.warning("configuration %s v%s not announced, processes will poll: %s", environment, version, error)
        return False
    return True


def reachable() -> bool:
    """Whether Redis answers now."""
    try:
        return bool(client().ping())
    except redis.RedisError:
        return False
