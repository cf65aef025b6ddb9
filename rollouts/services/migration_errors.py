"""Migrations that failed are measured like any other error: `migration_errors_total` (seed: DatabaseMigrationIssue)."""

from __future__ import annotations

from datetime import datetime

from core import events
from migrations_app.selectors import runs
from monitoring.services.ingest import Cumulative, store_totals

KINDS = ("migration.failed", "migration.rollback_failed")
METRIC, SOURCE = "migration_errors_total", "migrator"


def report(*, now: datetime) -> int:
    """Tell every environment with migrations how many have failed there so far; how many were told."""
    environments = runs().order_by().values_list("environment", flat=True).distinct()
    for environment in environments:
        count = events.recent().filter(environment=environment, kind__in=KINDS).count()
        store_totals(environment, SOURCE, [Cumulative(METRIC, {}, now.timestamp(), count)], now=now)
    return len(environments)
