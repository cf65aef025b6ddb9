"""What holds a run: how far the secondaries are behind, what waits in the server, how full its disk is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pymongo.database import Database
from pymongo.errors import OperationFailure

from migrations_app.domain.pace import Lag


def lag(database: Database[dict[str, Any]]) -> Lag:
    """By optime, over the members that bear data and are meant to keep up. What the server does not tell is None."""
    admin = database.client.admin
    try:
        status = admin.command("replSetGetStatus")
    except OperationFailure as error:
        if error.code in (76, 94):  # NoReplicationEnabled, NotYetInitialized: a single server
            return Lag(None, 0)
        return Lag(None, 1)
    return lag_of(status, _kept_back(admin))


def queued(database: Database[dict[str, Any]]) -> int | None:
    """How many operations wait in the server for their turn; None where it does not tell."""
    try:
        status = database.client.admin.command({"serverStatus": 1, "metrics": 0, "tcmalloc": 0})
    except OperationFailure:
        return None
    found = status.get("globalLock", {}).get("currentQueue", {}).get("total")
    return None if found is None else int(found)


def free(database: Database[dict[str, Any]]) -> float | None:
    """The share of the primary's disk that is free; None where the server does not tell."""
    try:
        stats = database.command("dbStats")
    except OperationFailure:
        return None
    total, used = stats.get("fsTotalSize"), stats.get("fsUsedSize")
    return None if not total or used is None else 1 - used / total


def lag_of(status: Mapping[str, Any], kept_back: frozenset[int]) -> Lag:
    """From what replSetGetStatus says; members whose ids are `kept_back` (hidden, delayed) do not count."""
    members = status.get("members", ())
    primary = next((each for each in members if each.get("state") == 1), None)
    others = [each for each in members if each.get("state") == 2 and each.get("_id") not in kept_back]
    if not others:
        return Lag(None, 0)
    times = [each.get("optimeDate") for each in others]
    if primary is None or primary.get("optimeDate") is None or None in times:
        return Lag(None, len(others))
    return Lag(max((primary["optimeDate"] - at).total_seconds() for at in times), len(others))


def _kept_back(admin: Any) -> frozenset[int]:
    """Members that are behind on purpose. A server that does not tell its configuration has none that we know of."""
    try:
        members = admin.command("replSetGetConfig").get("config", {}).get("members", ())
    except OperationFailure:
        return frozenset()
    delayed = ("secondaryDelaySecs", "slaveDelay")
    return frozenset(
        each["_id"] for each in members if each.get("hidden") or any(each.get(name, 0) for name in delayed)
    )
