"""How nctool's database does while nobody migrates: three questions that cost it nothing."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

import pymongo
from pymongo.errors import PyMongoError

from migrations_app.adapters import replication
from migrations_app.adapters.target import Target, told

QUERIES = 5
ANSWER, QUESTION = 3.0, 2.0  # seconds in which it must show that it is there, and for each other question
LEAST = {"locks": 0, "metrics": 0, "wiredTiger": 0, "tcmalloc": 0, "repl": 0}  # sections that nobody asked for


@dataclass(frozen=True, slots=True)
class Vitals:
    """None: the server does not tell.

    Args:
        query_ms: one small query, there and back, in the median of five; milliseconds.
        connections: percent in use of those that the server allows.
        lag_ms: how far the slowest secondary is behind the primary; milliseconds. A single server has none.
    """

    query_ms: float
    connections: float | None
    lag_ms: float | None


def ask(target: Target, collection: str) -> Vitals:
    """`collection` is where the small query looks. What else the server refuses to tell is left out.

    Raises Unreachable when it does not answer in three seconds.
    """
    with told(ANSWER):
        query = _query(target, collection)
    status: Mapping[str, Any] = {}
    lag = None
    try:
        with pymongo.timeout(QUESTION):
            status = target.database.client.admin.command({"serverStatus": 1, **LEAST})
        with pymongo.timeout(QUESTION):
            lag = replication.lag(target.database).seconds
    except PyMongoError:
        pass  # a user without clusterMonitor is refused: the figures stay away, and are shown as such
    return Vitals(query, used(status.get("connections", {})), None if lag is None else 1000 * lag)


def used(connections: Mapping[str, Any]) -> float | None:
    """Percent in use, of `current` and `available` as serverStatus tells them."""
    current, available = connections.get("current"), connections.get("available")
    if current is None or available is None or current + available <= 0:
        return None
    return float(100 * current / (current + available))


def _query(target: Target, collection: str) -> float:
    """The first one, that may open the connection, is not counted."""
    took = []
    for _ in range(QUERIES + 1):
        began = time.perf_counter()
        target.database[collection].find_one({}, {"_id": 1})
        took.append(1000 * (time.perf_counter() - began))
    return median(took[1:])
