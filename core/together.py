"""Several queries as one: what a page reads from many tables costs one journey to the database, not one for each.

Each query becomes a column that holds its rows as JSON; what is made of the rows, Django does as ever. So a column of
bytes cannot be read here. Rows that are prefetched still take a query each.
"""

from __future__ import annotations

import json
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import QuerySet

_JSON = {"sqlite": ("json_group_array", "json_array"), "postgresql": ("json_agg", "json_build_array")}
_CAST = {"JSONField", "DecimalField", "FloatField"}
_TOLD_AS_TEXT = {
    *("DateField", "DateTimeField", "DecimalField", "DurationField", "FloatField", "TimeField", "UUIDField"),
}


def read(**asked: QuerySet[Any]) -> dict[str, list[Any]]:
    """The rows of each of these querysets, by its name: one query, and one for each thing that is prefetched.

    A queryset may be of instances or of values, be sorted, sliced and annotated, and select related rows.
    """
    parts = {name: _Part(rows) for name, rows in asked.items()}
    full = [part for part in parts.values() if part.sql]
    if full:
        with connection.cursor() as cursor:
            columns = ", ".join(part.column for part in full)
            cursor.execute(f"SELECT {columns}", [value for part in full for value in part.params])
            found = cursor.fetchone()
        for part, told in zip(full, found, strict=True):
            part.found = json.loads(told) if isinstance(told, str) else told or []
    return {name: part.rows() for name, part in parts.items()}


class _Part:
    """One of the querysets, and what was found of it."""

    def __init__(self, asked: QuerySet[Any]) -> None:
        self._asked: Any = asked.all()
        self._compiler = self._asked.query.get_compiler(connection=connection)
        self.found: list[list[Any]] = []
        try:
            self.sql, self.params = self._compiler.as_sql()
        except EmptyResultSet:  # nothing can be found: `pk__in=[]`
            self.sql, self.params = "", ()

    @property
    def column(self) -> str:
        """SQL of one value: all rows as JSON."""
        every, one = _JSON[connection.vendor]
        names = [f"c{number}" for number in range(len(self._compiler.select))]
        told = list(names)
        if connection.vendor == "postgresql":  # Django reads JSON from text, and a number in JSON is not exact
            kinds = [expression.output_field.get_internal_type() for expression, _, _ in self._compiler.select]
            told = [f"{name}::text" if kind in _CAST else name for name, kind in zip(names, kinds, strict=True)]
        part = f"WITH part ({', '.join(names)}) AS ({self.sql})"
        return f"({part} SELECT {every}({one}({', '.join(told)})) FROM part)"  # noqa: S608

    def rows(self) -> list[Any]:
        """What was found, as the queryset would have given it."""
        if not self.sql:
            return []
        found = [self._values()]
        self._compiler.execute_sql = lambda *_, **__: found
        self._asked.query.get_compiler = lambda *_, **__: self._compiler
        return list(self._asked)

    def _values(self) -> list[list[Any]]:
        """The rows with values as the database's driver tells them."""
        if connection.vendor == "sqlite":
            return self.found
        readers = [self._reader(expression) for expression, _, _ in self._compiler.select]
        return [[read(value) for read, value in zip(readers, row, strict=True)] for row in self.found]

    @staticmethod
    def _reader(expression: Any) -> Any:
        field = expression.output_field
        return field.to_python if field.get_internal_type() in _TOLD_AS_TEXT else _as_it_is


def _as_it_is(value: Any) -> Any:
    return value
