"""Is what was approved still so when a worker comes to it? Hours may lie between."""

from __future__ import annotations

from datetime import datetime

from core.errors import Conflict
from migrations_app.adapters import modules
from migrations_app.domain.states import Direction, Traffic
from migrations_app.models import MigrationRun
from migrations_app.services import planning, readiness, requesting
from migrations_app.services.planning import Wanted

MORE, SOME = 1.2, 1_000  # times as many documents as were approved, and a few beside, are still the same plan


def need_still(row: MigrationRun, *, now: datetime) -> None:
    """Raises Conflict when the database is not ready any more, or there is far more to do than was approved."""
    if row.direction == Direction.DOWN:
        requesting.need_flags_off(row.of or row)
        return
    of = Wanted(row.environment.key, modules.get(row.number), tuple(row.phases), row.canary, Traffic(row.traffic))
    planning.need_order(of, now=now)
    readiness.need_ready(readiness.look(of.environment, of.loaded.migration, of.phases, now=now))
    documents, approved = planning.plan(of)["documents"], row.plan.get("documents", 0)
    if documents > MORE * approved + SOME:
        raise Conflict(f"{approved:,} documents were approved, and {documents:,} would be changed by now: ask again.")
