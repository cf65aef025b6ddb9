"""What has to be known after a crash, kept in the database that is migrated: how far a run is, and its journal.

A run is one document, written only by the holder of its newest fence. The journal is one document a batch: the images
of its documents, compressed, in the order of `seq`; it is written before the batch is.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import bson
from bson.binary import Binary
from pymongo import ASCENDING, ReturnDocument
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from migrations_app.adapters.lease import Lease, LeaseLost
from migrations_app.domain.bson_order import order_key
from migrations_app.domain.images import CODEC, Image

RUNS, JOURNAL, WITNESS = "rollout_migrations_runs", "rollout_migrations_journal", "rollout_migrations_witness"
OURS = (RUNS, JOURNAL, WITNESS)
MOST_READ = 16  # entries that are held by their ids
MOST_BYTES = 8_000_000  # of images in one document of the journal; MongoDB's own limit is 16 MB
Documents = Database[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Batch:
    """One document of the journal."""

    seq: int
    operation: str
    images: tuple[Image, ...]


class Journal:
    """The memory of one run. `state` is its document as it was written last, `seq` the newest number of an entry."""

    def __init__(self, database: Documents, run: str, lease: Lease) -> None:
        self._database, self._run, self._lease = database, run, lease
        self.state: dict[str, Any] = {}
        self.seq = 0

    def open(self, first: Mapping[str, Any]) -> dict[str, Any]:
        """Take the run over with our fence, or begin it with `first`. Raises LeaseLost when a newer fence has it."""
        runs = self._database[RUNS]
        self._database[JOURNAL].create_index([("run", ASCENDING), ("seq", ASCENDING)])
        self._database[WITNESS].create_index([("run", ASCENDING), ("of", ASCENDING), ("n", ASCENDING)])
        runs.update_one({"_id": self._run}, {"$setOnInsert": {**first, "fence": 0}}, upsert=True)
        found = runs.find_one_and_update(
            {"_id": self._run, "fence": {"$lte": self._lease.fence}},
            {"$set": {"fence": self._lease.fence}},
            return_document=ReturnDocument.AFTER,
        )
        if found is None:
            raise LeaseLost("A newer worker has this run.")
        self.state = found
        last = self._database[JOURNAL].find_one({"run": self._run}, {"seq": 1}, sort=[("seq", -1)])
        self.seq = int(last["seq"]) if last else 0
        return found

    def checkpoint(self, **fields: Any) -> None:
        """Write how far the run is. Raises LeaseLost when somebody else has it by now."""
        found = self._database[RUNS].find_one_and_update(
            {"_id": self._run, "fence": self._lease.fence},
            {"$set": {**fields, "fence": self._lease.fence}},
            return_document=ReturnDocument.AFTER,
        )
        if found is None:
            self._lease.lost = True
            raise LeaseLost("A newer worker has this run.")
        self.state = found

    def write(self, operation: str, images: Sequence[Image]) -> int:
        """Keep images before their documents are changed. Returns the number of bytes that took.

        Entries behind the last checkpoint that a crash left stay, for they may have been acted on.
        """
        total = 0
        for chunk in _chunks(images):
            packed = zlib.compress(bson.encode({"e": chunk}, codec_options=CODEC), 1)
            row = {"run": self._run, "op": operation, "n": len(chunk), "images": Binary(packed)}
            row |= {"first": {"v": chunk[0]["i"]}, "last": {"v": chunk[-1]["i"]}}
            self._insert({**row, "fence": self._lease.fence})
            total += len(packed)
        return total

    def _insert(self, row: dict[str, Any]) -> None:
        """Under the next number; a number that is taken was taken by a worker that has it no more, or by our heir."""
        while True:
            self.seq += 1
            try:
                self._database[JOURNAL].insert_one({**row, "_id": f"{self._run}:{self.seq:09d}", "seq": self.seq})
                return
            except DuplicateKeyError:
                self.checkpoint()


def state_of(database: Documents, run: str) -> Mapping[str, Any] | None:
    """How far a run is, as MongoDB has it."""
    return database[RUNS].find_one({"_id": run})


def backwards(database: Documents, run: str, *, below: int | None = None) -> Iterator[Batch]:
    """The journal of a run from its end to its beginning, from the entry before `below` on; one at a time in memory."""
    while True:
        query: dict[str, Any] = {"run": run} if below is None else {"run": run, "seq": {"$lt": below}}
        row = database[JOURNAL].find_one(query, sort=[("seq", -1)])
        if row is None:
            return
        yield _batch(row)
        below = row["seq"]


def forwards(database: Documents, run: str, *, above: int = 0) -> Iterator[Batch]:
    """The journal of a run from its beginning to its end, from the entry after `above` on."""
    while True:
        row = database[JOURNAL].find_one({"run": run, "seq": {"$gt": above}}, sort=[("seq", 1)])
        if row is None:
            return
        yield _batch(row)
        above = row["seq"]


class Later:
    """Which documents a run has changed again: the places of its entries are held, a few entries at a time are read."""

    def __init__(self, database: Documents, run: str) -> None:
        self._database = database
        rows = database[JOURNAL].find({"run": run}, {"seq": 1, "op": 1, "first": 1, "last": 1})
        self._places = [
            (int(row["seq"]), str(row["op"]), order_key(row["first"]["v"]), order_key(row["last"]["v"]), row["_id"])
            for row in rows
        ]
        self._read: dict[str, frozenset[Any]] = {}

    def has(self, batch: Batch, id_: Any) -> bool:
        """A later entry of the same operation has the document too."""
        key = order_key(id_)
        return any(
            key in self._keys(name)
            for seq, operation, first, last, name in self._places
            if seq > batch.seq and operation == batch.operation and first <= key <= last
        )

    def _keys(self, name: str) -> frozenset[Any]:
        if name not in self._read:
            if len(self._read) >= MOST_READ:
                self._read.pop(next(iter(self._read)))
            row = self._database[JOURNAL].find_one({"_id": name})
            images = _batch(row).images if row else ()
            self._read[name] = frozenset(order_key(image.id) for image in images)
        return self._read[name]


def size(database: Documents, run: str) -> tuple[int, int]:
    """How many images the journal of a run holds, and in how many bytes."""
    steps: list[dict[str, Any]] = [
        {"$match": {"run": run}},
        {"$project": {"n": 1, "bytes": {"$binarySize": "$images"}}},
        {"$group": {"_id": None, "n": {"$sum": "$n"}, "bytes": {"$sum": "$bytes"}}},
    ]
    rows = list(database[JOURNAL].aggregate(steps))
    return (int(rows[0]["n"]), int(rows[0]["bytes"])) if rows else (0, 0)


def forget(database: Documents, run: str) -> int:
    """Drop the journal and the witness of a run: from now on it cannot be taken back. How many entries there were."""
    database[WITNESS].delete_many({"run": run})
    return int(database[JOURNAL].delete_many({"run": run}).deleted_count)


def _batch(row: Mapping[str, Any]) -> Batch:
    images = bson.decode(zlib.decompress(row["images"]), codec_options=CODEC)["e"]
    return Batch(int(row["seq"]), str(row["op"]), tuple(Image.unpacked(each) for each in images))


def _chunks(images: Sequence[Image]) -> Iterator[list[dict[str, Any]]]:
    chunk: list[dict[str, Any]] = []
    total = 0
    for image in images:
        packed = image.packed()
        length = len(bson.encode(packed, codec_options=CODEC))
        if chunk and total + length > MOST_BYTES:
            yield chunk
            chunk, total = [], 0
        chunk.append(packed)
        total += length
    if chunk:
        yield chunk
