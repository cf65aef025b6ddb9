"""The atomic melts in nctool's database, one after the other: as many as there are, few of them in memory. Only reads.

MongoDB sorts the tokens by melt, from its index on `metadata.operation_id` or on its disk.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any

from bson import ObjectId
from bson.codec_options import CodecOptions
from django.db import connections

from migrations_app.adapters.router import ALIAS
from migrations_app.domain.atomic import Operation, Token

WORK = 110.0  # seconds for all of them
AGAIN = 10.0  # seconds for another look at a few
MARGIN = timedelta(minutes=1)  # the tokens of one melt are made within it
MOST_TOKENS = 1_000  # that are read of one melt
TOGETHER = 100  # inputs that are asked for in one question
BATCH = 1_000  # documents MongoDB sends at once: its own 16 MB of them would be 100 MB here
ATOMIC = {"metadata.atomic_operation": True}
OPERATION = "metadata.operation_id"
TEXTS = ("npub", "mint_url", "transaction_type", "status", "spent_by")
PROOFS = "proofs"  # they stay there: long, and whoever knows them can spend them
Document = Mapping[str, Any]


def since(start: datetime) -> Iterator[Operation]:
    """The atomic melts since then, in the order of their ids. Read them inside `mongo.limited(WORK)`."""
    for rows in _assembled({**ATOMIC, "created_at": {"$gte": start - MARGIN}}):
        yield from (operation for operation in rows if operation.at >= start)


def again(ids: Sequence[str]) -> list[Operation]:
    """These atomic melts as they are now, without those that are gone."""
    return [operation for rows in _assembled({**ATOMIC, OPERATION: {"$in": list(ids)}}) for operation in rows]


def _tokens() -> Any:
    database = connections[ALIAS].database  # type: ignore[attr-defined]
    return database["cashutokens"].with_options(codec_options=CodecOptions(tz_aware=True))


def _assembled(query: Document) -> Iterator[list[Operation]]:
    """The melts whole, as many at a time as their inputs can be asked for in one question."""
    steps = [{"$match": query}, {"$sort": {OPERATION: 1}}, {"$unset": PROOFS}]
    cursor = _tokens().aggregate(steps, allowDiskUse=True, batchSize=BATCH)
    waiting: list[tuple[list[Document], int]] = []
    inputs = 0
    for _, group in groupby(cursor, _key):
        waiting.append(_first(group))
        inputs += sum(len(_named(row)) for row in waiting[-1][0])
        if inputs >= TOGETHER or len(waiting) >= BATCH:
            yield _with_inputs(waiting)
            waiting, inputs = [], 0
    yield _with_inputs(waiting)


def _first(group: Iterable[Document]) -> tuple[list[Document], int]:
    """The first of them, and how many more there are."""
    rows: list[Document] = []
    more = 0
    for row in group:
        if len(rows) < MOST_TOKENS:
            rows.append(row)
        else:
            more += 1
    return rows, more


def _key(row: Document) -> object:
    """A token that names no melt is one of its own."""
    return _id(row) or row["_id"]


def _id(row: Document) -> str:
    found = _metadata(row).get("operation_id")
    return found if isinstance(found, str) else ""


def _metadata(row: Document) -> Document:
    found = row.get("metadata")
    return found if isinstance(found, Mapping) else {}


def _named(row: Document) -> list[Any]:
    found = _metadata(row).get("inputs")
    return found if isinstance(found, list) else []


def _with_inputs(waiting: Iterable[tuple[list[Document], int]]) -> list[Operation]:
    groups = list(waiting)
    wanted = list(
        {ObjectId(key) for rows, _ in groups for row in rows for key in _named(row) if ObjectId.is_valid(key)}
    )
    there: dict[str, Token] = {}
    for first in range(0, len(wanted), TOGETHER):
        for row in _tokens().find({"_id": {"$in": wanted[first : first + TOGETHER]}}, {PROOFS: 0}):
            there[str(row["_id"])] = _token(row)
    return [_operation(rows, more, there) for rows, more in groups]


def _operation(rows: list[Document], more: int, there: Mapping[str, Token]) -> Operation:
    named = tuple(str(key) for row in rows for key in _named(row))
    inputs = tuple(there[key] for key in dict.fromkeys(named) if key in there)
    fee = next((metadata["fee"] for metadata in map(_metadata, rows) if "fee" in metadata), 0)
    written = tuple(_token(row) for row in rows)
    return Operation(_id(rows[0]), max(map(_made, rows)), written, named, inputs, fee, more)


def _made(row: Document) -> datetime:
    at = row.get("created_at")
    return at if isinstance(at, datetime) else datetime.min.replace(tzinfo=UTC)


def _token(row: Document) -> Token:
    text = {name: str(row.get(name) or "") for name in TEXTS}
    return Token(
        id=str(row["_id"]),
        owner=f"{text['npub']} {text['mint_url']}",
        kind=text["transaction_type"],
        status=text["status"],
        amount=row.get("amount"),
        spent_by=text["spent_by"],
    )
