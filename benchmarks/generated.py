"""A database of a million tokens that is made up page by page: the few questions that a run of 002 asks, answered.

What has been changed is told by two marks that move through the ids; journal and witness lie on the disk. So what is
measured is the memory of the run, not that of a database.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import bson
from bson.raw_bson import RawBSONDocument

WALLETS = 300
BEGAN, RUN_BEGAN = datetime(2025, 6, 1, tzinfo=UTC), datetime(2025, 8, 18, 9, tzinfo=UTC)


class Tokens:
    """Tokens 1 to `count`; those up to `marks[0]` have metadata, melted ones up to `marks[1]` are marked as legacy."""

    def __init__(self, count: int, *, raw: bool = False, marks: list[int] | None = None) -> None:
        self.count, self.raw, self.marks = count, raw, marks if marks is not None else [0, 0]
        self.indexes: dict[str, Any] = {}

    def with_options(self, codec_options: Any) -> Tokens:
        return Tokens(self.count, raw=codec_options.document_class is RawBSONDocument, marks=self.marks)

    def document(self, number: int) -> dict[str, Any]:
        found: dict[str, Any] = {
            "_id": number,
            "npub": f"npub1{number % WALLETS:04d}",
            "mint_url": "https://mint.example",
            "status": "unspent",
            "transaction_type": "received" if number % 5 else "melted",
            "amount": number % 1000,
            "proofs": [{"secret": f"s{number}", "C": "x" * 66}],
            "created_at": BEGAN + timedelta(seconds=number),
        }
        legacy = not number % 5 and number <= self.marks[1]
        if number <= self.marks[0]:
            found["metadata"] = {"migrated": True, "migration_date": RUN_BEGAN, "version": "2.0.0"}
        if legacy:
            found.setdefault("metadata", {}).update(legacy=True, cleanup_required=True)
        return found

    def _ids(self, query: Mapping[str, Any]) -> Any:
        if "$in" in (query.get("_id") or {}):
            return query["_id"]["$in"]
        if "metadata" in query:
            return range(self.marks[0] + 1, self.count + 1)
        if "metadata.migrated" in query:
            return range(1, self.marks[0] + 1)
        if "metadata.legacy" in query:
            done = self.marks[1] - self.marks[1] % 5
            return range(5, done + 1, 5) if query["metadata.legacy"] is True else range(done + 5, self.count + 1, 5)
        return range(1, self.count + 1)

    def find(self, query: Mapping[str, Any], fields: Mapping[str, Any] | None = None) -> Cursor:
        return Cursor(self, self._ids(query), fields)

    def count_documents(self, query: Mapping[str, Any]) -> int:
        return len(self._ids(query))

    def estimated_document_count(self) -> int:
        return self.count

    def bulk_write(self, operations: list[Any], *, ordered: bool) -> Any:
        """Documents are changed in the order of their ids and taken back in the other, so a mark tells it all."""
        ids = [each._filter["_id"] for each in operations]
        of = 1 if "metadata.legacy" in str(operations[0]._doc) else 0
        back = "$unset" in operations[0]._doc
        self.marks[of] = min(ids) - 1 if back else max(ids)
        return SimpleNamespace(matched_count=len(operations))

    def aggregate(self, steps: Any, **_: Any) -> Any:
        keys = ({"npub": f"npub1{number:04d}", "mint_url": "https://mint.example"} for number in range(WALLETS))
        rows = ({"_id": key, "total": 0, "tokens": 0, "odd": 0, "wallets": 1, "kept": None} for key in keys)
        return _closing(rows)

    def list_indexes(self) -> list[Any]:
        return list(self.indexes.values())

    def create_index(self, keys: Any, name: str) -> None:
        self.indexes[name] = {"name": name, "key": dict(keys)}

    def drop_index(self, name: str) -> None:
        del self.indexes[name]


class Cursor:
    def __init__(self, tokens: Tokens, ids: Any, fields: Mapping[str, Any] | None) -> None:
        self._tokens, self._ids, self._fields = tokens, ids, fields

    def sort(self, *_: Any) -> Cursor:
        return self

    hint = batch_size = limit = sort

    def __enter__(self) -> Cursor:
        return self

    def __exit__(self, *_: Any) -> None: ...

    def __iter__(self) -> Iterator[Any]:
        for number in self._ids:
            document = self._tokens.document(number)
            if self._fields:
                document = {name: document[name] for name in self._fields if name in document}
            yield RawBSONDocument(bson.encode(document)) if self._tokens.raw else document


class Kept:
    """Rows on the disk, found by their ids or by run and number."""

    def __init__(self, file: sqlite3.Connection, name: str) -> None:
        self._file, self._name = file, name
        file.execute(f"create table if not exists {name} (id text primary key, run text, seq integer, row blob)")

    def create_index(self, *_: Any) -> None: ...

    def insert_one(self, row: Mapping[str, Any]) -> None:
        values = (row["_id"], row["run"], row.get("seq"), bson.encode(dict(row)))
        self._file.execute(f"insert into {self._name} values (?, ?, ?, ?)", values)

    def delete_many(self, _: Any) -> None: ...

    def find_one(self, query: Mapping[str, Any], *_: Any, sort: Any = (), **__: Any) -> Any:
        if "_id" in query:
            found = self._file.execute(f"select row from {self._name} where id = ?", (query["_id"],)).fetchone()
        else:
            seq = query.get("seq", {"$gt": -1})
            sign = ">" if "$gt" in seq else "<"
            way = "desc" if sort and sort[0][1] < 0 else "asc"
            found = self._file.execute(
                f"select row from {self._name} where run = ? and seq {sign} ? order by seq {way} limit 1",
                (query.get("run"), next(iter(seq.values()))),
            ).fetchone()
        return bson.decode(found[0]) if found else None


class Runs:
    """One run's document."""

    def __init__(self) -> None:
        self.row: dict[str, Any] = {}

    def update_one(self, query: Any, update: Any, *, upsert: bool) -> None:
        self.row = self.row or {**query, **update["$setOnInsert"]}

    def find_one_and_update(self, query: Any, update: Any, **_: Any) -> dict[str, Any]:
        for path, value in update["$set"].items():
            *parents, last = path.split(".")
            holder = self.row
            for name in parents:
                holder = holder.setdefault(name, {})
            holder[last] = value
        return dict(self.row)


class Generated:
    """Stands in for the database of a run."""

    def __init__(self, count: int, path: str) -> None:
        file = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        file.execute("pragma synchronous = off")
        self._collections: dict[str, Any] = {
            "cashutokens": Tokens(count),
            "cashuwallets": Tokens(WALLETS),
            "rollout_migrations_runs": Runs(),
            "rollout_migrations_journal": Kept(file, "journal"),
            "rollout_migrations_witness": Kept(file, "witness"),
        }
        self.client = SimpleNamespace(
            admin=SimpleNamespace(command=lambda *_: {"members": []}),
            start_session=lambda **_: _closing(None),
        )

    def __getitem__(self, name: str) -> Any:
        return self._collections[name]

    def command(self, _: str) -> dict[str, Any]:
        """Tells nothing of its disk."""
        return {}


@contextmanager
def _closing(what: Any) -> Iterator[Any]:
    yield what
