"""Indexes are made and dropped outside of transactions, and a repeat does nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pymongo.database import Database

from migrations_app.domain.operations import DropIndex, EnsureIndex, Keys

Documents = Database[dict[str, Any]]


def find(database: Documents, collection: str, keys: Keys) -> Mapping[str, Any] | None:
    """The index over these keys as the server describes it, whatever its name."""
    rows = database[collection].list_indexes()
    return next(
        (dict(row) for row in rows if tuple((name, _sign(way)) for name, way in row["key"].items()) == keys), None
    )


def make(database: Documents, wanted: EnsureIndex) -> None:
    """Build it, however long that takes; one that is there already is left as it is."""
    options: dict[str, Any] = {"name": wanted.index}
    if wanted.unique:
        options["unique"] = True
    if wanted.partial is not None:
        options["partialFilterExpression"] = dict(wanted.partial)
    database[wanted.collection].create_index(list(wanted.keys), **options)


def make_again(database: Documents, collection: str, description: Mapping[str, Any]) -> None:
    """Build an index that was dropped, as it was described."""
    options = {name: value for name, value in description.items() if name not in ("v", "key", "ns")}
    database[collection].create_index(list(description["key"].items()), **options)


def drop(database: Documents, wanted: DropIndex | EnsureIndex) -> Mapping[str, Any] | None:
    """Drop it; what it was, or None when it was not there."""
    found = find(database, wanted.collection, wanted.keys)
    if found is not None:
        database[wanted.collection].drop_index(found["name"])
    return found


def _sign(way: Any) -> Any:
    return int(way) if isinstance(way, int | float) else way
