"""The checks of the database's readiness, one function each: what was found, by which limit, and what to do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from core import moments
from migrations_app.domain.amounts import percent, size
from migrations_app.domain.backup import LastBackup
from migrations_app.domain.facts import Asked, Estimates, Facts, Index, Topology

PING = 100.0  # ms
LAG = timedelta(seconds=5)
OPLOG = 3  # times the estimate
FREE = 0.2  # of the disk, and of the connections
ROOM = 2  # times what is estimated
FEW = 100  # connections: with so few open, none available is no measurement
LONG = timedelta(seconds=60)
UNUSED = timedelta(days=1)
FOREIGN = "This server is no MongoDB and tells it to nobody: look by other means."
MONITOR = "Let the user of NCTOOL_MONGODB_URL ask: it needs the role clusterMonitor, and read on local."


class CheckName(StrEnum):
    PING = "ping"
    PRIMARY = "primary"
    LAG = "replicationLag"
    OPLOG = "oplogWindow"
    DISK = "diskSpace"
    POOL = "connectionPool"
    INDEXES = "indexHealth"
    TRANSACTIONS = "longTransactions"
    BACKUP = "backup"


TITLES = {
    CheckName.PING: "The database answers",
    CheckName.PRIMARY: "A primary, and healthy members",
    CheckName.LAG: "Replication lag",
    CheckName.OPLOG: "Oplog window",
    CheckName.DISK: "Disk space",
    CheckName.POOL: "Connections",
    CheckName.INDEXES: "Indexes",
    CheckName.TRANSACTIONS: "Long transactions",
    CheckName.BACKUP: "Backup",
}


class Standing(StrEnum):
    OK = "ok"
    RED = "red"
    UNKNOWN = "unknown"
    WAIVED = "waived"


@dataclass(frozen=True, slots=True)
class Needs:
    """What the phases that will be run need. Without a migration, only the state of the database is looked at.

    Args:
        estimate: how long they may take together.
        expected: indexes that have to be there already, as `name on collection`.
    """

    estimate: timedelta = timedelta()
    sizes: Estimates = field(default_factory=Estimates)
    expected: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """What one check says."""

    standing: Standing
    value: str
    limit: str
    why: str
    remedy: str = ""


def look(facts: Facts, needs: Needs, backup: LastBackup, *, now: datetime, protected: bool) -> dict[CheckName, Found]:
    """What every check says."""
    return {
        **{name: check(facts, needs) for name, check in _CHECKS.items()},
        CheckName.INDEXES: _indexes(facts, needs, now=now),
        CheckName.BACKUP: _backup(backup, now=now, protected=protected),
    }


def _unknown(limit: str, why: str, remedy: str) -> Found:
    return Found(Standing.UNKNOWN, "not known", limit, f"It cannot be shown: {why}.", remedy)


def _untold(facts: Facts, asked: Asked, limit: str) -> Found:
    if facts.pings is None:
        return _unknown(limit, facts.why(asked), "It has to answer first.")
    return _unknown(limit, facts.why(asked), FOREIGN if facts.foreign else MONITOR)


def _ping(facts: Facts, _: Needs) -> Found:
    limit = f"at most {PING:.0f} ms"
    if facts.ping is None:
        remedy = "See whether it runs, whether NCTOOL_MONGODB_URL names it, and whether this machine reaches it."
        return Found(Standing.RED, "no answer", limit, f"It does not answer: {facts.why(Asked.PING)}.", remedy)
    value, count = f"{facts.ping:.1f} ms", len(facts.pings or ())
    if facts.ping > PING:
        why = f"The median of {count} pings is {value}: each batch would wait for that, several times."
        return Found(Standing.RED, value, limit, why, "See what loads the server or the way to it; look again then.")
    return Found(Standing.OK, value, limit, f"The median of {count} pings.")


def _primary(facts: Facts, _: Needs) -> Found:
    limit = "a primary, and every member that holds data healthy"
    if facts.topology is Topology.SINGLE:
        why = "It is a single server without a replica set: it has no transactions, and a batch needs one."
        remedy = "Make it a replica set, of one member at least: rs.initiate() after a start with --replSet."
        return Found(Standing.RED, "single server", limit, why, remedy)
    if facts.topology is Topology.SHARDED:
        return _unknown(limit, "behind mongos the members of the shards are not seen", "Ask each shard by hand.")
    if facts.members is None:
        return _untold(facts, Asked.MEMBERS, limit)
    primary = next((member for member in facts.members if member.state == "PRIMARY" and member.healthy), None)
    if primary is None:
        return Found(Standing.RED, "no primary", limit, "No member is primary.", "See rs.status() why none is elected.")
    holding = [member for member in facts.members if not member.arbiter]
    sick = [f"{member.name} is {member.state}" for member in holding if not member.serves]
    value = f"{len(holding) - len(sick)} of {len(holding)} healthy"
    if sick:
        return Found(Standing.RED, value, limit, f"{', '.join(sick)}.", "Bring the member back first: see rs.status().")
    return Found(Standing.OK, value, limit, f"{primary.name} is the primary.")


def _lag(facts: Facts, _: Needs) -> Found:
    limit = f"at most {moments.span(LAG)}"
    if facts.topology is Topology.SINGLE:
        return Found(Standing.OK, "none", limit, "There is no secondary: there is no lag.")
    if facts.members is None:
        return _untold(facts, Asked.MEMBERS, limit)
    primary = next((member for member in facts.members if member.state == "PRIMARY"), None)
    late = [member for member in facts.members if member.lags]
    if primary is not None and not late:
        return _no_secondary(facts, limit)
    if primary is None or primary.optime is None or any(member.optime is None for member in late):
        return _unknown(limit, "the members do not tell how far they are", "See rs.status().")
    lags = {member.name: primary.optime - member.optime for member in late if member.optime is not None}
    worst = max(lags, key=lambda name: lags[name])
    lag = max(lags[worst], timedelta())
    value, why = f"{lag.total_seconds():.1f} s", f"{worst} is the last of {len(lags)}."
    if lag <= LAG:
        return Found(Standing.OK, value, limit, why)
    why = f"{why} A majority would be waited for, and readers there would see old balances."
    return Found(
        Standing.RED, value, limit, why, "Wait until it has caught up; see what loads it. Is it late on purpose?"
    )


def _no_secondary(facts: Facts, limit: str) -> Found:
    meant = [member for member in facts.members or () if not (member.arbiter or member.hidden or member.delayed)]
    if len(meant) > 1:
        return _unknown(limit, "no secondary is in a state in which it tells", "Bring the secondaries back first.")
    return Found(Standing.OK, "none", limit, "There is no secondary: there is no lag.")


def _oplog(facts: Facts, needs: Needs) -> Found:
    need = OPLOG * needs.estimate
    limit = f"at least {moments.span(need)}" if need else f"{OPLOG} times the estimate of what is run"
    if facts.oplog is None:
        return _untold(facts, Asked.OPLOG, limit)
    window, coming = facts.oplog.window, facts.oplog.coming
    value = moments.span(window)
    if window >= need:
        return Found(Standing.OK, value, limit, "So far back the first entry of the oplog is from the last.")
    remedy = "Enlarge it: db.adminCommand({replSetResizeOplog: 1, size: <MB>}). Or run fewer phases at once."
    if facts.oplog.full is None:
        why = "it reaches less far back, and the server does not tell whether it is full or only young"
        return Found(Standing.UNKNOWN, value, limit, f"It cannot be shown: {why}.", remedy)
    if facts.oplog.full is False and coming >= need:
        why = f"It is not full yet; written as fast as so far it will reach back {moments.span(coming)}."
        return Found(Standing.OK, value, limit, why)
    why = "A secondary that is away for the time of the migration could not catch up any more."
    return Found(Standing.RED, value, limit, why, remedy)


def _disk(facts: Facts, needs: Needs) -> Found:
    need = ROOM * needs.sizes.bytes
    limit = f"more than {percent(FREE)} of the disk" + (f", and at least {size(need)}" if need else "")
    disk = facts.disk
    if disk is None or disk.total <= 0:
        return _untold(facts, Asked.DISK, limit)
    value = f"{size(disk.free)} free of {size(disk.total)}, {percent(disk.free / disk.total)}"
    remedy = "Make room or enlarge the disk, on every member: only the primary's disk is seen here."
    if disk.free <= FREE * disk.total:
        return Found(
            Standing.RED, value, limit, "The disk is too full: it must hold what is written meanwhile.", remedy
        )
    if needs.sizes.why:
        return Found(Standing.UNKNOWN, value, limit, f"It cannot be shown: {needs.sizes.why}.", "Look again.")
    if disk.free < need:
        why = f"Journal and new indexes take about {size(needs.sizes.bytes)}, and twice that has to be free."
        return Found(Standing.RED, value, limit, why, remedy)
    return Found(Standing.OK, value, limit, "On the machine of the primary.")


def _pool(facts: Facts, _: Needs) -> Found:
    limit = f"at least {percent(FREE)} available"
    found = facts.connections
    if found is None:
        return _untold(facts, Asked.CONNECTIONS, limit)
    if found.available <= 0 and found.current < FEW:
        why = f"the server tells {found.current} open and none available, which cannot be both"
        return _unknown(limit, why, "See ulimit -n and net.maxIncomingConnections of the server.")
    share = found.available / (found.current + found.available)
    value = f"{found.available:,} of {found.current + found.available:,} available, {percent(share)}"
    if share < FREE:
        why = "Too few are left: the migration would take them from nctool."
        remedy = "Lower maxPoolSize of the applications, or raise net.maxIncomingConnections and ulimit -n."
        return Found(Standing.RED, value, limit, why, remedy)
    return Found(Standing.OK, value, limit, f"{found.current:,} are open.")


def _transactions(facts: Facts, _: Needs) -> Found:
    limit = f"none open for more than {moments.span(LONG)}"
    if facts.transactions is None:
        return _untold(facts, Asked.TRANSACTIONS, limit)
    long = [each for each in facts.transactions if each > LONG]
    if not long:
        return Found(Standing.OK, "none", limit, f"Open now: {len(facts.transactions)}.")
    why = (
        f"{len(long)} open, the oldest for {moments.span(max(long))}: what they hold would make batches wait and fail."
    )
    remedy = (
        "Let them end. Which they are: db.aggregate([{$currentOp: {allUsers: true, idleSessions: true}}]) on admin."
    )
    return Found(Standing.RED, moments.span(max(long)), limit, why, remedy)


def _indexes(facts: Facts, needs: Needs, *, now: datetime) -> Found:
    limit = "none is being built"
    told = _told_of_indexes(facts, needs, now=now)
    if facts.building:
        why = f"Under construction: {', '.join(facts.building)}. {told}".strip()
        return Found(Standing.RED, f"{len(facts.building)} building", limit, why, "Wait until it is built; look again.")
    if facts.building is None or facts.indexes is None:
        asked = Asked.BUILDING if facts.building is None else Asked.INDEXES
        found = _untold(facts, asked, limit)
        return Found(found.standing, found.value, limit, f"{found.why} {told}".strip(), found.remedy)
    return Found(Standing.OK, f"{len(facts.indexes)} there", limit, told or "None is missing, none is unused.")


def _told_of_indexes(facts: Facts, needs: Needs, *, now: datetime) -> str:
    """What blocks nothing and is worth knowing."""
    if facts.indexes is None:
        return ""
    there = {str(index) for index in facts.indexes}
    missing = [name for name in needs.expected if name not in there]
    unused = [str(index) for index in facts.indexes if _is_unused(index, now=now)]
    told = []
    if missing:
        told.append(f"Missing, where the migration expects it: {', '.join(missing)}.")
    if unused:
        told.append(
            f"Not used by the primary for more than a day, though every write pays for it: {', '.join(unused)}."
        )
    return " ".join(told)


def _is_unused(index: Index, *, now: datetime) -> bool:
    """Not the one over `_id`: it cannot be dropped."""
    if index.name == "_id_" or index.uses != 0 or index.since is None:
        return False
    return now - index.since > UNUSED


def _backup(backup: LastBackup, *, now: datetime, protected: bool) -> Found:
    standing = Standing.OK if backup.is_fresh(now=now) and (backup.tested_at or not protected) else Standing.RED
    return Found(
        standing,
        backup.value(now=now),
        "made within 24 h" + (", and a restore was tested once" if protected else ""),
        backup.why(now=now),
        backup.remedy(now=now, protected=protected) if standing is Standing.RED else "",
    )


_CHECKS: dict[CheckName, Callable[[Facts, Needs], Found]] = {
    CheckName.PING: _ping,
    CheckName.PRIMARY: _primary,
    CheckName.LAG: _lag,
    CheckName.OPLOG: _oplog,
    CheckName.DISK: _disk,
    CheckName.POOL: _pool,
    CheckName.TRANSACTIONS: _transactions,
}
