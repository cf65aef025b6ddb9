"""Who may migrate a database: one document in it, a lease by the server's own clock, and a fence.

No clock of ours is compared with another machine's: whether a lease is over is decided by MongoDB, how much of it is
left is counted here by a clock that only runs forward, from before the question was sent.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from pymongo import ReturnDocument
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

LOCKS = "rollout_migrations_lock"
KEY = "migrations"
LEASE = timedelta(seconds=60)
RENEW_EVERY = LEASE / 3
# Moments as milliseconds: numbers are compared in the same way by every server.
_NOW = {"$toLong": "$$NOW"}
_FREE = {"$lte": ["$until", _NOW]}
Documents = Database[dict[str, Any]]


class LeaseLost(Exception):
    """Somebody else has the database by now, or could have. Nothing more may be written."""


@dataclass
class Lease:
    """Ours until it is lost. `fence` is higher than that of everybody before."""

    database: Documents
    owner: str
    fence: int
    length: timedelta
    until: int  # milliseconds, by the server's clock
    _since: float
    lost: bool = field(default=False)

    def left(self) -> float:
        """Seconds for which it is surely ours."""
        return 0.0 if self.lost else self.length.total_seconds() - (time.monotonic() - self._since)

    def renew(self) -> None:
        """Have it for its whole length again. Raises LeaseLost when somebody else has taken it."""
        since = time.monotonic()
        found = self.database[LOCKS].find_one_and_update(
            {"_id": KEY, "owner": self.owner, "fence": self.fence},
            [{"$set": {"until": _later(self.length)}}],
            return_document=ReturnDocument.AFTER,
        )
        if found is None:
            self.lost = True
            raise LeaseLost("Somebody else has taken the lock of this database.")
        self._since, self.until = since, int(found["until"])

    def renew_if_due(self) -> None:
        """Renew it after a third of its length."""
        if self.left() < (self.length * 2 / 3).total_seconds():
            self.renew()

    def release(self) -> None:
        self.database[LOCKS].update_one(
            {"_id": KEY, "owner": self.owner, "fence": self.fence},
            [{"$set": {"until": _NOW, "owner": "", "run": ""}}],
        )
        self.lost = True


def take(database: Documents, *, run: str, worker: str, length: timedelta = LEASE) -> Lease | None:
    """The lock of the database, or None while somebody has it.

    Args:
        run: what it is taken for; told to whoever waits.
        worker: who takes it, for people to read.
        length: of the lease; it is renewed by who has it.
    """
    locks = database[LOCKS]
    owner, since = uuid.uuid4().hex, time.monotonic()
    if locks.find_one({"_id": KEY}, {"_id": 1}) is None:
        _make(database)
    mine = {"owner": owner, "run": run, "worker": worker}
    update = {name: {"$cond": [_FREE, value, f"${name}"]} for name, value in mine.items()}
    update["fence"] = {"$cond": [_FREE, {"$add": ["$fence", 1]}, "$fence"]}
    update["since"] = {"$cond": [_FREE, "$$NOW", "$since"]}
    update["until"] = {"$cond": [_FREE, _later(length), "$until"]}
    found = locks.find_one_and_update({"_id": KEY}, [{"$set": update}], return_document=ReturnDocument.AFTER)
    if found is None or found["owner"] != owner:
        return None
    return Lease(database, owner, int(found["fence"]), length, int(found["until"]), since)


def holder(database: Documents) -> Mapping[str, Any] | None:
    """Who has it: `run`, `worker`, `since`, `fence`, and the `seconds` left; None when it is free."""
    steps: list[dict[str, Any]] = [
        {"$match": {"_id": KEY}},
        {"$set": {"left": {"$subtract": ["$until", _NOW]}}},
        {"$project": {"owner": 0}},
    ]
    row = next(iter(database[LOCKS].aggregate(steps)), None)
    return None if row is None or row["left"] <= 0 else {**row, "seconds": row["left"] / 1000}


def break_open(database: Documents) -> None:
    """Take the lock away from whoever has it. The next `take` has a higher fence, as after any end of a lease."""
    database[LOCKS].update_one({"_id": KEY}, [{"$set": {"until": _NOW, "owner": "", "run": ""}}])


def _make(database: Documents) -> None:
    with suppress(DuplicateKeyError):
        database[LOCKS].insert_one({"_id": KEY, "owner": "", "run": "", "worker": "", "fence": 0, "until": 0})


def _later(length: timedelta) -> dict[str, Any]:
    return {"$add": [_NOW, int(length.total_seconds() * 1000)]}
