"""What nctool's database tells of itself, before a migration. None: it does not tell, and `reasons` says why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from statistics import median

JOURNAL_ENTRY = 120  # bytes that the journal keeps of a changed document, about
INDEX_ENTRY, INDEX_FIELD = 16, 32  # bytes of an entry of an index, and of each field in it, about


class Topology(StrEnum):
    SINGLE = "single server"
    REPLICA_SET = "replica set"
    SHARDED = "sharded cluster"


class Asked(StrEnum):
    """The questions, as `reasons` names them."""

    PING = "ping"
    HELLO = "hello"
    MEMBERS = "replSetGetStatus"
    SETTINGS = "replSetGetConfig"
    OPLOG = "oplog"
    DISK = "dbStats"
    CONNECTIONS = "serverStatus"
    INDEXES = "indexes"
    BUILDING = "index builds"
    TRANSACTIONS = "transactions"


@dataclass(frozen=True, slots=True)
class Member:
    """Of a replica set. `state` is MongoDB's word: PRIMARY, SECONDARY, ARBITER, RECOVERING …"""

    name: str
    state: str
    healthy: bool = True
    optime: datetime | None = None
    arbiter: bool = False
    hidden: bool = False
    delayed: bool = False

    @property
    def serves(self) -> bool:
        """It holds data as it should: it can be read, or become primary."""
        return self.healthy and self.state in ("PRIMARY", "SECONDARY")

    @property
    def lags(self) -> bool:
        """Its lag counts: applications may read from it, and nobody wants it to be late."""
        return self.state == "SECONDARY" and not (self.arbiter or self.hidden or self.delayed)


@dataclass(frozen=True, slots=True)
class Oplog:
    """`used` of `limit` bytes; None where that is not told."""

    first: datetime
    last: datetime
    used: int | None = None
    limit: int | None = None

    @property
    def window(self) -> timedelta:
        return max(self.last - self.first, timedelta())

    @property
    def full(self) -> bool | None:
        """What is written drives the oldest out; one that is young only grows. None where that is not told."""
        if not self.used or not self.limit:  # one with entries and without bytes is no measurement
            return None
        return self.used >= 0.9 * self.limit

    @property
    def coming(self) -> timedelta:
        """How far one that is not full yet will reach back, written as fast as so far."""
        if not self.used or not self.limit or self.full:
            return self.window
        return self.window * (self.limit / self.used)


@dataclass(frozen=True, slots=True)
class Disk:
    """Bytes of the file system under the database."""

    total: int
    used: int

    @property
    def free(self) -> int:
        return self.total - self.used


@dataclass(frozen=True, slots=True)
class Connections:
    current: int
    available: int


@dataclass(frozen=True, slots=True)
class Index:
    """`uses` since `since`, as the server counts them; None where it does not tell."""

    collection: str
    name: str
    uses: int | None = None
    since: datetime | None = None

    def __str__(self) -> str:
        return f"{self.name} on {self.collection}"


@dataclass(frozen=True, slots=True)
class Facts:
    """`pings` in milliseconds, `building` the indexes under construction, `transactions` how long each is open."""

    server: str = ""
    pings: tuple[float, ...] | None = None
    topology: Topology | None = None
    members: tuple[Member, ...] | None = None
    oplog: Oplog | None = None
    disk: Disk | None = None
    connections: Connections | None = None
    indexes: tuple[Index, ...] | None = None
    building: tuple[str, ...] | None = None
    transactions: tuple[timedelta, ...] | None = None
    reasons: Mapping[Asked, str] = field(default_factory=dict)

    @property
    def foreign(self) -> bool:
        """It speaks MongoDB's language, and is none: what it does not tell, no permission makes it tell."""
        return bool(self.server) and not self.server.startswith("mongo")

    @property
    def ping(self) -> float | None:
        return median(self.pings) if self.pings else None

    def why(self, asked: Asked) -> str:
        """Why the server does not tell, as the end of a sentence."""
        return self.reasons.get(asked) or "the server does not tell it"


@dataclass(frozen=True, slots=True)
class Counted:
    """Documents that one operation will change. Not `exact`: at most so many, all of the collection."""

    title: str
    collection: str
    documents: int
    exact: bool = True


@dataclass(frozen=True, slots=True)
class Estimates:
    """What the phases of a migration will change, and the room they take. `why`: what could not be counted."""

    changes: tuple[Counted, ...] = ()
    indexes: tuple[str, ...] = ()  # that will be made
    average: int = 0  # bytes of a document
    index_bytes: int = 0
    why: str = ""

    @property
    def documents(self) -> int:
        return sum(each.documents for each in self.changes)

    @property
    def exact(self) -> bool:
        return all(each.exact for each in self.changes)

    @property
    def journal_bytes(self) -> int:
        return self.documents * JOURNAL_ENTRY

    @property
    def bytes(self) -> int:
        return self.journal_bytes + self.index_bytes


def index_bytes(documents: int, fields: int, average: float) -> int:
    """The room of a new index, about: its entries hold no more than the documents do."""
    return int(documents * (INDEX_ENTRY + min(INDEX_FIELD * fields, average)))
