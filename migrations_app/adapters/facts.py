"""What nctool's database tells of itself, each question on its own: one that fails leaves only its answer out.

Nothing is changed by it, and nothing is locked. Most of it needs the role clusterMonitor, the oplog read on local.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, TypeVar

import pymongo
from pymongo.errors import PyMongoError

from migrations_app.adapters.target import Target, told, words
from migrations_app.domain.facts import (
    Asked,
    Connections,
    Counted,
    Disk,
    Estimates,
    Facts,
    Index,
    Member,
    Oplog,
    Topology,
    index_bytes,
)
from migrations_app.domain.migration import Phase
from migrations_app.domain.operations import EnsureIndex, UpdateEach

PINGS = 5
ANSWER = 3.0  # seconds in which it must show that it is there
QUESTION, TOGETHER = 2.0, 7.0  # seconds for each of the others, and for all of them
COUNT, COUNTS = 4.0, 8.0  # the same for what a migration will change
MOST = 100  # collections whose indexes are looked at
LEAST = {"locks": 0, "metrics": 0, "wiredTiger": 0, "tcmalloc": 0, "repl": 0}  # sections that nobody asked for
Answer = TypeVar("Answer")
Document = Mapping[str, Any]


class _NotToldError(Exception):
    """The server answers, and leaves this out."""


def ask(target: Target) -> Facts:
    """All that it tells within seconds. Raises Unreachable when it does not answer at all."""
    with told(ANSWER):
        pings = _pings(target)
    with pymongo.timeout(TOGETHER):
        return _Questions(target).facts(pings)


def estimates(target: Target, phases: Sequence[Phase]) -> Estimates:
    """What the phases will change, counted; where counting takes too long, the whole collection as the most it can be.

    Never raises: what could not be counted is told by `why`.
    """
    operations = [operation for phase in phases for operation in phase.operations]
    changes: list[Counted] = []
    indexes: list[EnsureIndex] = []
    size, average = 0, 0
    try:
        with pymongo.timeout(COUNTS):
            changes = [_counted(target, each) for each in operations if isinstance(each, UpdateEach)]
            indexes = [each for each in operations if isinstance(each, EnsureIndex) and not _is_there(target, each)]
            for index in indexes:
                documents, average = _measured(target, index.collection)
                size += index_bytes(documents, len(index.keys), average)
    except PyMongoError as error:
        return Estimates(tuple(changes), why=f"what it will change could not be counted, {_words(error)}")
    names = tuple(f"{each.index} on {each.collection}" for each in indexes)
    return Estimates(tuple(changes), names, average, size)


def _pings(target: Target) -> tuple[float, ...]:
    """Milliseconds; the first one, that may open the connection, is not counted."""
    admin = target.database.client.admin
    admin.command("ping")
    found = []
    for _ in range(PINGS):
        begin = time.perf_counter()
        admin.command("ping")
        found.append((time.perf_counter() - begin) * 1000)
    return tuple(found)


class _Questions:
    def __init__(self, target: Target) -> None:
        self._database = target.database
        self._admin = target.database.client.admin
        self._local = target.database.client.local
        self._reasons: dict[Asked, str] = {}

    def facts(self, pings: tuple[float, ...]) -> Facts:
        hello = self._answer(Asked.HELLO, lambda: self._admin.command("hello")) or {}
        status = self._answer(Asked.CONNECTIONS, lambda: self._admin.command({"serverStatus": 1, **LEAST})) or {}
        server = str(status.get("process", "")).rpartition("/")[2]
        topology = _topology(hello) if hello else None
        building, transactions = self._running(server)
        return Facts(
            server=f"{server} {status.get('version', '')}".strip(),
            pings=pings,
            topology=topology,
            members=self._members(hello) if topology is Topology.REPLICA_SET else None,
            oplog=self._answer(Asked.OPLOG, lambda: self._oplog(hello)) if topology is Topology.REPLICA_SET else None,
            disk=self._answer(Asked.DISK, self._disk),
            connections=self._answer(Asked.CONNECTIONS, lambda: _connections(status)) if status else None,
            indexes=self._answer(Asked.INDEXES, lambda: tuple(self._indexes())),
            building=building,
            transactions=transactions,
            reasons={**_left_out(topology), **self._reasons},
        )

    def _answer(self, asked: Asked, question: Callable[[], Answer]) -> Answer | None:
        try:
            with pymongo.timeout(QUESTION):
                return question()
        except PyMongoError as error:
            self._reasons[asked] = _words(error)
        except _NotToldError as error:
            self._reasons[asked] = str(error)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            self._reasons[asked] = f"its answer has another form than MongoDB's ({error!r})"
        return None

    def _members(self, hello: Document) -> tuple[Member, ...] | None:
        status = self._answer(Asked.MEMBERS, lambda: self._admin.command("replSetGetStatus"))
        settings = self._answer(Asked.SETTINGS, lambda: self._admin.command("replSetGetConfig")["config"])
        if status is None:
            return None
        return self._answer(Asked.MEMBERS, lambda: members(status, settings, hello))

    def _oplog(self, hello: Document) -> Oplog:
        """Its first entry is read; the last one is known to `hello`, and need not be looked for."""
        oplog = self._local["oplog.rs"]
        first = next(iter(oplog.find({}, {"ts": 1}).sort("$natural", 1).limit(1)), None)
        if first is None:
            raise _NotToldError("local.oplog.rs is empty, or cannot be read")
        last = hello["lastWrite"]["opTime"]["ts"]
        stats: Document = {}
        try:
            stats = next(iter(oplog.aggregate([{"$collStats": {"storageStats": {}}}])), {}).get("storageStats", {})
        except PyMongoError:
            stats = {}  # whether it is full is then not known
        return Oplog(first["ts"].as_datetime(), last.as_datetime(), stats.get("size"), stats.get("maxSize"))

    def _disk(self) -> Disk:
        stats = self._database.command("dbStats")
        if "fsTotalSize" not in stats or "fsUsedSize" not in stats:
            raise _NotToldError("dbStats of this server has no fsTotalSize and fsUsedSize")
        return Disk(int(stats["fsTotalSize"]), int(stats["fsUsedSize"]))

    def _indexes(self) -> Iterable[Index]:
        names = self._database.list_collection_names(filter={"type": "collection"})
        for name in sorted(name for name in names if not name.startswith("system."))[:MOST]:
            yield from self._indexes_of(name)

    def _indexes_of(self, name: str) -> list[Index]:
        collection = self._database[name]
        try:
            found = list(collection.aggregate([{"$indexStats": {}}]))
        except PyMongoError:  # their use is a question of its own, that may be refused
            return [Index(name, str(each["name"])) for each in collection.list_indexes()]
        uses = [(each["name"], each.get("accesses", {})) for each in found]
        return [Index(name, key, access.get("ops"), access.get("since")) for key, access in uses]

    def _running(self, server: str) -> tuple[tuple[str, ...] | None, tuple[timedelta, ...] | None]:
        """Indexes under construction and open transactions, of all users."""
        if server and not server.startswith("mongo"):
            reason = f"{server} shows nobody what others do"
            self._reasons |= {Asked.BUILDING: reason, Asked.TRANSACTIONS: reason}
            return None, None
        found = self._answer(Asked.TRANSACTIONS, lambda: list(self._admin.aggregate(_RUNNING)))
        if found is None:
            self._reasons[Asked.BUILDING] = self._reasons[Asked.TRANSACTIONS]
            return None, None
        return running(found)


_RUNNING: list[dict[str, Any]] = [
    {"$currentOp": {"allUsers": True, "idleSessions": True}},
    {
        "$match": {
            "$or": [
                {"transaction.timeOpenMicros": {"$exists": True}},
                {"command.createIndexes": {"$exists": True}},
                {"msg": {"$regex": "^Index Build"}},
            ]
        }
    },
    {"$project": {"ns": 1, "transaction.timeOpenMicros": 1}},
    {"$limit": 1000},
]


def running(operations: Iterable[Document]) -> tuple[tuple[str, ...], tuple[timedelta, ...]]:
    """Indexes under construction, by their collections, and how long transactions are open."""
    building, transactions = set(), []
    for each in operations:
        micros = each.get("transaction", {}).get("timeOpenMicros")
        if micros is None:
            building.add(str(each.get("ns") or "a collection"))
        else:
            transactions.append(timedelta(microseconds=int(micros)))
    return tuple(sorted(building)), tuple(transactions)


def members(status: Document, settings: Document | None, hello: Document) -> tuple[Member, ...]:
    """Of `replSetGetStatus`; which are hidden, delayed or arbiters tell the settings, else `hello` as far as it can."""
    rules = {each["host"]: each for each in (settings or {}).get("members", ())}
    arbiters = set(hello.get("arbiters", ()))
    seen = {*hello.get("hosts", ()), *hello.get("passives", ()), *arbiters}
    found = []
    for each in status["members"]:
        rule = rules.get(each["name"], {})
        hidden = bool(rule.get("hidden")) if rules else bool(seen) and each["name"] not in seen
        found.append(
            Member(
                name=each["name"],
                state=str(each["stateStr"]).strip("()").upper(),
                healthy=each.get("health", 1) == 1,
                optime=each.get("optimeDate"),
                arbiter=each["stateStr"] == "ARBITER" or bool(rule.get("arbiterOnly")) or each["name"] in arbiters,
                hidden=hidden,
                delayed=bool(rule.get("secondaryDelaySecs") or rule.get("slaveDelay")),
            )
        )
    return tuple(found)


def _topology(hello: Document) -> Topology:
    if hello.get("msg") == "isdbgrid":
        return Topology.SHARDED
    return Topology.REPLICA_SET if hello.get("setName") else Topology.SINGLE


def _left_out(topology: Topology | None) -> dict[Asked, str]:
    """Why some was not asked at all."""
    if topology is None:
        return {Asked.MEMBERS: "it does not say what it is", Asked.OPLOG: "it does not say what it is"}
    if topology is Topology.REPLICA_SET:
        return {}
    return {Asked.MEMBERS: f"a {topology} does not tell its members", Asked.OPLOG: f"a {topology} has no oplog to read"}


def _connections(status: Document) -> Connections:
    found = status["connections"]
    return Connections(int(found["current"]), int(found["available"]))


def _counted(target: Target, operation: UpdateEach) -> Counted:
    collection = target.database[operation.collection]
    try:
        with pymongo.timeout(COUNT):
            return Counted(operation.title, operation.collection, collection.count_documents(operation.query))
    except PyMongoError as error:
        if not error.timeout:
            raise
        return Counted(operation.title, operation.collection, collection.estimated_document_count(), exact=False)


def _is_there(target: Target, index: EnsureIndex) -> bool:
    return any(each["name"] == index.index for each in target.database[index.collection].list_indexes())


def _measured(target: Target, collection: str) -> tuple[int, int]:
    """How many documents it has, and their average size."""
    stats = target.database.command("collStats", collection)
    return int(stats.get("count", 0)), int(stats.get("avgObjSize", 0))


def _words(error: PyMongoError) -> str:
    """The end of a sentence: without the whole command that was not authorized."""
    return words(error).partition(" to execute command")[0].rstrip(" .")
