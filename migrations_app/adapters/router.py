"""Sends nctool's collections to nctool's database, and nothing else there."""

from __future__ import annotations

from typing import Any

ALIAS = "nctool"
APP = "migrations_app"


class NctoolRouter:
    """Unmanaged models of migrations_app live in MongoDB; all tables of ours live in the control plane."""

    def db_for_read(self, model: type[Any], **hints: Any) -> str | None:
        return ALIAS if _is_nctools(model) else None

    def db_for_write(self, model: type[Any], **hints: Any) -> str | None:
        return ALIAS if _is_nctools(model) else None

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool | None:
        return False if db == ALIAS else None


def _is_nctools(model: type[Any]) -> bool:
    return model._meta.app_label == APP and not model._meta.managed
