"""What validations look at: streams over whole collections, and the one of before a run, kept beside its journal."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any

import bson
from bson.binary import Binary
from pymongo.client_session import ClientSession
from pymongo.database import Database
from pymongo.errors import ConfigurationError, OperationFailure

from migrations_app.adapters.documents import AT_ONCE, RAW
from migrations_app.adapters.journal import WITNESS
from migrations_app.domain.images import CODEC
from migrations_app.domain.validations import Balances, Unchanged
from migrations_app.domain.witness import Row, beside

CHUNK = 1_000  # rows in one document of the witness
Documents = Database[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Wallet:
    """What the tokens of one owner come to, and what the wallet says. `odd`: amounts that are no whole numbers."""

    total: Any
    tokens: int
    odd: int
    wallets: int
    kept: Any

    @property
    def wrong(self) -> str:
        """What is wrong with it, in a sentence; empty when nothing is."""
        if self.odd:
            return f"{self.odd} amounts are no whole numbers"
        if self.wallets != 1:
            return "its tokens belong to no wallet" if not self.wallets else f"it is there {self.wallets} times"
        if self.kept is not None and self.kept != self.total:
            return f"it says {self.kept}, its unspent tokens are {self.total}"
        return ""


def digests(database: Documents, wanted: Unchanged) -> Iterator[Row]:
    """Every document's id, with a digest of the fields that must not change."""
    fields = {"_id": 1, **dict.fromkeys(wanted.fields, 1)}
    raw = database[wanted.collection].with_options(codec_options=RAW)
    with raw.find({}, fields).sort("_id", 1).hint([("_id", 1)]).batch_size(5 * AT_ONCE) as cursor:
        for found in cursor:
            yield found["_id"], _short(bytes(found.raw))


def keep(database: Documents, run: str, of: str, rows: Iterable[Row]) -> tuple[int, str]:
    """Keep a stream as the witness of a run; how many rows it has, and one digest over all of them."""
    whole, count = hashlib.blake2b(digest_size=16), 0
    database[WITNESS].delete_many({"run": run, "of": of})
    for number, chunk in enumerate(_chunks(rows)):
        packed = bson.encode({"e": [list(row) for row in chunk]}, codec_options=CODEC)
        row = {"_id": f"{run}:{of}:{number:07d}", "run": run, "of": of, "n": number}
        database[WITNESS].insert_one({**row, "rows": Binary(zlib.compress(packed, 1))})
        whole.update(packed)
        count += len(chunk)
    return count, whole.hexdigest()


def kept(database: Documents, run: str, of: str) -> Iterator[Row]:
    """The witness of a run, as it was kept."""
    number = 0
    while True:
        row = database[WITNESS].find_one({"_id": f"{run}:{of}:{number:07d}"})
        if row is None:
            return
        for each in bson.decode(zlib.decompress(row["rows"]), codec_options=CODEC)["e"]:
            yield each[0], each[1]
        number += 1


def wallets(database: Documents, wanted: Balances, session: ClientSession | None) -> Iterator[tuple[Any, Wallet]]:
    """Every owner with what the tokens come to and what the wallet says, both at the moment of the session."""
    tokens = _grouped(database, wanted.tokens, _of_tokens(wanted), session)
    there = _grouped(database, wanted.wallets, _of_wallets(wanted), session)
    for owner, token, wallet in beside(tokens, there):
        sums: Mapping[str, Any] = token[0] if token else {"total": 0, "tokens": 0, "odd": 0}
        says: Mapping[str, Any] = wallet[0] if wallet else {"wallets": 0, "kept": None}
        yield owner, Wallet(sums["total"], sums["tokens"], sums["odd"], says["wallets"], says["kept"])


@contextmanager
def one_moment(database: Documents) -> Iterator[ClientSession | None]:
    """A session all of whose questions are about one point in time; None where the server has no such thing."""
    with database.client.start_session(snapshot=True) as session:
        try:
            database[WITNESS].find_one({}, {"_id": 1}, session=session)
        except (OperationFailure, ConfigurationError):
            yield None
            return
        yield session


def _of_tokens(wanted: Balances) -> dict[str, Any]:
    mine: dict[str, Any] = {"$and": [{"$eq": [f"${name}", value]} for name, value in wanted.unspent.items()]}
    amount = f"${wanted.amount}"
    whole = {"$in": [{"$type": amount}, ["int", "long"]]}
    return {
        "_id": _owner(wanted.owner),
        "total": {"$sum": {"$cond": [mine, amount, 0]}},
        "tokens": {"$sum": {"$cond": [mine, 1, 0]}},
        "odd": {"$sum": {"$cond": [whole, 0, 1]}},
    }


def _of_wallets(wanted: Balances) -> dict[str, Any]:
    says: Any = None
    for name in reversed(wanted.kept):
        says = {"$ifNull": [f"${name}", says]}
    return {"_id": _owner(wanted.owner), "wallets": {"$sum": 1}, "kept": {"$max": says}}


def _owner(fields: Sequence[str]) -> dict[str, str]:
    return {name: f"${name}" for name in fields}


def _grouped(
    database: Documents, collection: str, group: Mapping[str, Any], session: ClientSession | None
) -> Iterator[Row]:
    steps = [{"$group": dict(group)}, {"$sort": {"_id": 1}}]
    with database[collection].aggregate(steps, allowDiskUse=True, batchSize=CHUNK, session=session) as cursor:
        for row in cursor:
            yield row["_id"], row


def _chunks(rows: Iterable[Row]) -> Iterator[list[Row]]:
    stream = iter(rows)
    while chunk := list(islice(stream, CHUNK)):
        yield chunk


def _short(raw: bytes) -> bytes:
    return hashlib.blake2b(raw, digest_size=8).digest()
