"""A run without its rows: the parts that talk to MongoDB, with a desk that only remembers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import bson
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument

from migrations_app.adapters import lease as leases
from migrations_app.adapters import modules
from migrations_app.adapters.journal import Journal
from migrations_app.domain.migration import Migration, PhaseName
from migrations_app.domain.pace import Pace
from migrations_app.domain.states import LogStatus, Traffic, Wish
from migrations_app.domain.steps import Point
from migrations_app.services.work import Work

BEGAN = datetime(2025, 8, 18, 9, 0, tzinfo=UTC)
Document = dict[str, Any]


def declared(number: str) -> Migration:
    """A migration of this project."""
    return modules.load(Path(__file__).parents[2] / "nctool_migrations")[number].migration


M002 = declared("002")


@dataclass
class Notes:
    """Implements Desk: what people would see, and what they want."""

    wish: Wish = Wish.NONE
    phases: dict[str, str] = field(default_factory=dict)
    results: dict[str, Any] = field(default_factory=dict)
    shown: list[dict[str, Any]] = field(default_factory=list)
    speed: int = 100

    def look(self) -> tuple[Wish, int]:
        return self.wish, self.speed

    def progress(self, picture: Mapping[str, Any]) -> None:
        self.shown.append(dict(picture))

    def phase(self, name: PhaseName, status: LogStatus, *, result: Mapping[str, Any], error: str = "") -> None:
        self.phases[name.value] = status.value

    def found(self, field_: str, results: Mapping[str, Any]) -> None:
        self.results[field_] = dict(results)


class Killed(BaseException):
    """In place of SIGKILL: nothing that the product does may catch it."""


@contextmanager
def worker(
    database: Any,
    migration: Migration = M002,
    *,
    uid: str = "mr-1",
    phases: tuple[str, ...] = ("schema", "data"),
    canary: int = 0,
    traffic: Traffic = Traffic.STOPPED,
    desk: Notes | None = None,
    at: Callable[[Point], None] = lambda _: None,
    size: int = 50,
    length: timedelta = timedelta(seconds=60),
) -> Iterator[Work]:
    """A worker that has taken the lock of the database, for one run."""
    lease = leases.take(database, run=uid, worker="test", length=length)
    assert lease is not None, "somebody has the lock"
    work = Work(
        uid=uid,
        migration=migration,
        phases=phases,
        canary=canary,
        traffic=traffic,
        database=database,
        lease=lease,
        journal=Journal(database, uid, lease),
        desk=desk or Notes(),
        pace=Pace(most=size),
        at=at,
    )
    try:
        at(Point.LOCKED)
        work.journal.open({"number": migration.number, "started_at": BEGAN, "step": 0, "state": "begun"})
        at(Point.OPENED)
        yield work
    except Killed:
        leases.break_open(database)  # in place of the end of its lease
        raise
    else:
        lease.release()


def raw(database: Any, collection: str = "cashutokens") -> dict[bytes, bytes]:
    """Every document of a collection, byte for byte."""
    rows = database.get_collection(collection, codec_options=CodecOptions(document_class=RawBSONDocument))
    return {bson.encode({"": row["_id"]}): bytes(row.raw) for row in rows.find({})}


def token(number: int, **fields: Any) -> Document:
    """A token of the old version, of one of twenty wallets."""
    return {
        "npub": f"npub1{number % 20:02d}",
        "mint_url": "https://mint.example",
        "status": "spent" if number % 3 == 0 else "unspent",
        "transaction_type": "melted" if number % 5 == 0 else "received",
        "amount": number,
        "proofs": [{"secret": f"s{number}"}],
        "created_at": datetime(2025, 7, 1, tzinfo=UTC) + timedelta(minutes=number),
        **fields,
    }


def wallets() -> list[Document]:
    return [{"npub": f"npub1{number:02d}", "mint_url": "https://mint.example"} for number in range(20)]
