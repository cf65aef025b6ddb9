"""The documents of a collection in the order of `_id`, of whatever types those are, and guarded writes to them.

Comparisons in a query stay within one type, so a resume has to name the types that it is past.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument
from pymongo import ReplaceOne, UpdateOne
from pymongo.collection import Collection
from pymongo.errors import BulkWriteError

from migrations_app.domain.bson_order import TYPES, order_key, type_of
from migrations_app.domain.images import CODEC, Write, decode

RAW = CodecOptions(document_class=RawBSONDocument)
AT_ONCE = 200  # documents that MongoDB sends at once, and that are asked for by their ids
MOST_BYTES = 16_000_000  # of documents in one batch
Rows = Collection[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Read:
    """One document: its bytes, and what they say."""

    raw: bytes
    document: dict[str, Any]

    @property
    def id(self) -> Any:
        return self.document["_id"]


@dataclass(frozen=True, slots=True)
class Written:
    """What came of guarded writes. `refused`: ids that the database would not take, and why."""

    matched: int
    refused: tuple[tuple[Any, str], ...] = ()


def batches(
    rows: Rows, query: Mapping[str, Any], *, after: Any = None, resume: bool = False, size: Callable[[], int]
) -> Iterator[list[Read]]:
    """Documents in the order of `_id`, a batch at a time, behind the id `after` when `resume`.

    `size` is asked before each batch; a batch of large documents ends earlier.
    """
    full = {**query, **_behind(query, after)} if resume else dict(query)
    raw = rows.with_options(codec_options=RAW)
    batch: list[Read] = []
    total, most = 0, size()
    with raw.find(full).sort("_id", 1).hint([("_id", 1)]).batch_size(AT_ONCE) as cursor:
        for found in cursor:
            batch.append(Read(bytes(found.raw), decode(bytes(found.raw))))
            total += len(found.raw)
            if len(batch) >= most or total >= MOST_BYTES:
                yield batch
                batch, total, most = [], 0, size()
    if batch:
        yield batch


def by_ids(rows: Rows, ids: Sequence[Any]) -> dict[tuple[Any, ...], dict[str, Any]]:
    """The documents with these ids, by the order_key of their ids."""
    found = {}
    whole = rows.with_options(codec_options=CODEC)
    for first in range(0, len(ids), AT_ONCE):
        for row in whole.find({"_id": {"$in": list(ids[first : first + AT_ONCE])}}):
            found[order_key(row["_id"])] = row
    return found


def write(rows: Rows, writes: Sequence[tuple[Any, Write, Mapping[str, Any]]], *, until: int | None = None) -> Written:
    """Make guarded writes in one question, in no order; (id, write, and what else must still be true).

    One that finds its document changed does nothing, and so does a repeat.

    Args:
        until: milliseconds of the server's clock from which on none of them does anything: a worker that was asleep
            for longer than its lease cannot write into the work of the next. None: where the server would read the
            whole collection for such a question.
    """
    operations = [_operation(id_, each, also, until) for id_, each, also in writes]
    if not operations:
        return Written(0)
    try:
        return Written(int(rows.bulk_write(operations, ordered=False).matched_count))
    except BulkWriteError as error:
        details: Mapping[str, Any] = error.details or {}
        if not details.get("writeErrors"):
            raise
        refused = tuple((writes[row["index"]][0], _why(row)) for row in details["writeErrors"])
        return Written(int(details.get("nMatched", 0)), refused)


def _operation(
    id_: Any, each: Write, also: Mapping[str, Any], until: int | None
) -> UpdateOne | ReplaceOne[dict[str, Any]]:
    query = {**also, **each.guard, "_id": id_}  # where both name a field, the guard has the very value that was read
    if until is not None:
        in_time = {"$lt": [{"$toLong": "$$NOW"}, until]}
        query["$expr"] = {"$and": [in_time, query["$expr"]]} if "$expr" in query else in_time
    if each.whole is not None:
        return ReplaceOne(query, each.whole)
    return UpdateOne(query, each.update)


def _why(row: Mapping[str, Any]) -> str:
    return str(row.get("errmsg", "")).rpartition("caused by :: ")[2][:300]


def _behind(query: Mapping[str, Any], after: Any) -> dict[str, Any]:
    """The documents behind an id: those of its type that are greater, and all of later types."""
    kind = type_of(after)
    place = TYPES.index(kind)
    later: dict[str, Any] = {"_id": {"$not": {"$type": list(TYPES[: place + 1])}}}
    if kind == "maxKey":
        return {"_id": {"$exists": False}}
    if kind in ("minKey", "null"):
        found: dict[str, Any] = later
    else:
        greater = {"$gte": -math.inf} if isinstance(after, float) and math.isnan(after) else {"$gt": after}
        found = {"$or": [{"_id": {"$type": kind, **greater}}, later]}
    return {"$and": [dict(query), found]} if set(found) & set(query) else found
