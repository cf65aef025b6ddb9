"""Events exactly as their table holds them, many at a time: for what has to notice the smallest change of one.

Past the ORM, which takes longer to make a datetime and three dictionaries than it takes to read the row.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from typing import Any, NamedTuple

from django.db import connection

from core.models import Event

_FIELDS = (
    *("id", "at", "kind", "subject", "environment_id", "actor", "actor_kind", "reason"),
    *("before", "after", "data"),
)


class StoredEvent(NamedTuple):
    """`at` is UTC as `2025-08-11 09:00:00.000000`, the last three are JSON as text."""

    id: int
    at: str
    kind: str
    subject: str
    environment_id: int | None
    actor: str
    actor_kind: str
    reason: str
    before: str
    after: str
    data: str


def by_id(ids: Collection[int]) -> dict[int, StoredEvent]:
    """Those of these events that are there. At most a few thousand ids: each is a parameter of one query."""
    if not ids:
        return {}
    found = _rows(f"WHERE id IN ({', '.join(['%s'] * len(ids))})", list(ids))
    return {row.id: row for row in found}


def after(last: int, *, most: int) -> list[StoredEvent]:
    """The next `most` events with a higher number than `last`, lowest first."""
    return list(_rows("WHERE id > %s ORDER BY id LIMIT %s", [last, most]))


def values(field: str) -> list[str]:
    """The different values of a text column of the events, in their order: one step of its index for each of them.

    Args:
        field: a column that leads an index; of another one, all events are read for each value.
    """
    column, table = connection.ops.quote_name(field), connection.ops.quote_name(Event._meta.db_table)
    first = f"SELECT MIN({column}) FROM {table}"  # noqa: S608 -- our own names only
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH RECURSIVE found(value) AS ({first} UNION ALL SELECT ({first} WHERE {column} > found.value) "  # noqa: S608
            "FROM found WHERE found.value IS NOT NULL) SELECT value FROM found WHERE value IS NOT NULL"
        )
        return [row[0] for row in cursor.fetchall()]


def utc(at: datetime) -> str:
    """A time as UTC to the microsecond, `2025-08-11 09:00:00.000000`."""
    return at.astimezone(UTC).isoformat(" ", "microseconds")[:26]


def time_text(column: str) -> str:
    """SQL that reads a column of times as text: neither driver then makes a datetime of it, which takes longest of all.

    SQLite leaves microseconds out that are none: `whole` puts them back.
    """
    quoted = connection.ops.quote_name(column)
    if connection.vendor == "postgresql":
        return f"to_char({quoted} AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')"
    return f"{quoted} || ''"


def whole(text: str) -> str:
    """What `time_text` read, as `utc` writes it."""
    return text if len(text) == 26 else f"{text}.000000"


def _rows(where: str, parameters: list[Any]) -> Iterable[StoredEvent]:
    columns = ", ".join(time_text(name) if name == "at" else connection.ops.quote_name(name) for name in _FIELDS)
    table = connection.ops.quote_name(Event._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {columns} FROM {table} {where}", parameters)  # noqa: S608 -- our own names only
        return [StoredEvent(row[0], whole(row[1]), *row[2:]) for row in cursor.fetchall()]
