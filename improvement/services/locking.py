"""The row that a command is about, locked, as it was when the caller saw it."""

from __future__ import annotations

from typing import TypeVar

from django.db import models

from core.errors import NotFound, StaleVersion

Row = TypeVar("Row", bound=models.Model)


def hold(model: type[Row], noun: str, *, version: int | None = None, **key: object) -> Row:
    """Inside a transaction. Raises NotFound, StaleVersion."""
    row = model._default_manager.select_for_update().filter(**key).first()
    if row is None:
        raise NotFound(f"There is no {noun} {' '.join(map(str, key.values()))}.")
    actual: int = row.version  # type: ignore[attr-defined]
    if version is not None and actual != version:
        raise StaleVersion(str(row), expected=version, actual=actual)
    return row
