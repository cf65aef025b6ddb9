"""A flag that needs a migration cannot be raised before that is applied (docs/migrations.md)."""

from __future__ import annotations

from django.conf import settings

from migrations_app import selectors
from migrations_app.adapters import modules, target


def needs_migration(flag: str, environment: str) -> str:
    """Which migration the flag waits for there, in a sentence; empty when it waits for none."""
    if not settings.MIGRATION_INTERLOCK or not target.is_set_up(environment):
        return ""
    for number, loaded in modules.load().items():
        if flag in loaded.migration.needed_by and selectors.applied(environment, number) is None:
            return (
                f"{flag} needs migration {number}, which is not applied in {environment}: plan a run under Migrations, "
                "or by manage.py migration run."
            )
    return ""
