"""What Prometheus is told of migrations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count

from migrations_app.domain.states import AT_WORK, UNDER_WAY, RunState
from migrations_app.models import MigrationRun
from migrations_app.selectors import runs
from migrations_app.selectors.shown import progress


@dataclass(frozen=True, slots=True)
class Figure:
    """A run that is under way. `lag` in seconds, None where the server does not tell; `lock_age` of who works on it."""

    environment: str
    run: str
    migration: str
    direction: str
    done: int
    planned: int
    lag: float | None
    lock_age: float | None


def under_way(*, now: datetime) -> Iterator[Figure]:
    """Each run that is under way: one query."""
    for row in runs().filter(state__in=sorted(UNDER_WAY)):
        told = progress(row)
        locked = row.progress.get("locked_at")
        age = (now - datetime.fromisoformat(locked)).total_seconds() if locked and row.state in AT_WORK else None
        where = row.environment.key
        yield Figure(where, row.uid, row.number, row.direction, told["documents"], told["planned"], told["lag"], age)


def failures() -> dict[str, int]:
    """How many runs have failed in each environment, those that were taken back included: one query."""
    failed = (RunState.FAILED, RunState.ROLLBACK_FAILED, RunState.ROLLED_BACK)
    rows = MigrationRun.objects.filter(state__in=[state.value for state in failed]).exclude(error="")
    return dict(rows.order_by().values_list("environment__key").annotate(Count("pk")))
