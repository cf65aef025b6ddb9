"""Reads for the screens of the runs, from the control plane alone."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING

from django.db.models import Max, Q

from core.errors import NotFound
from migrations_app.domain.states import TO_TAKE_BACK, UNDER_WAY, Direction, LogStatus, RunState
from migrations_app.models import MigrationLog, MigrationRun
from migrations_app.selectors import runs

if TYPE_CHECKING:
    from django.db.models import QuerySet

LONG = ("plan", "before", "after")  # what only the page of a run shows


def listed() -> QuerySet[MigrationRun]:
    """All runs, newest first, without what only a page shows."""
    return runs().defer(*LONG, "of__plan", "of__before", "of__after")


def by_pk(pk: int) -> MigrationRun:
    """One run by its number. Raises NotFound."""
    found = runs().filter(pk=pk).first()
    if found is None:
        raise NotFound(f"There is no migration run {pk}.")
    return found


def newest_logs(environments: Collection[int]) -> dict[tuple[int, str, str], MigrationLog]:
    """The newest log of each phase of each migration, by environment, number and phase: one query.

    A run that was ended before it did anything leaves none.
    """
    rows = MigrationLog.objects.filter(run__direction=Direction.UP.value, run__environment__in=list(environments))
    newest = rows.order_by().values("run__environment", "run__number", "phase").annotate(newest=Max("id"))
    found = MigrationLog.objects.filter(pk__in=newest.values("newest")).select_related("run")
    return {(log.run.environment_id, log.run.number, log.phase): log for log in found}


def busy(environments: Collection[int]) -> dict[int, MigrationRun]:
    """The run that is under way in each of these environments: one query."""
    states = [state.value for state in UNDER_WAY]
    return {row.environment_id: row for row in listed().filter(environment__in=list(environments), state__in=states)}


def logs(row: MigrationRun) -> list[MigrationLog]:
    """The log of each phase, of the run or of the one that it takes back, in the order in which they began."""
    return list((row.of or row).logs.order_by("id"))


def undone_by(row: MigrationRun) -> list[MigrationRun]:
    """The runs that take this one back or did, newest first."""
    return list(listed().filter(of=row))


def may_be_taken_back(row: MigrationRun, of_logs: Collection[MigrationLog]) -> bool:
    """There is something of it left, and its journal is kept; whether it may be now, the service says."""
    is_up = row.direction == Direction.UP and RunState(row.state) in TO_TAKE_BACK and not row.result.get("forgotten")
    return is_up and any(log.status != LogStatus.ROLLED_BACK for log in of_logs)


def undecided(person: str, *, now: datetime) -> QuerySet[MigrationRun, list[str]]:
    """Who contributed to each run that waits to be approved; `person` could approve those without them."""
    asked = MigrationRun.objects.filter(state=RunState.REQUESTED.value, expires_at__gt=now)
    return asked.values_list("contributors", flat=True)


def wrong(environment: str | None) -> list[MigrationRun]:
    """Runs that wait for a person or have failed with something left in the data, newest first."""
    rows = listed() if environment is None else listed().filter(environment__key=environment)
    left = Q(of__isnull=True, logs__isnull=False) | Q(of__isnull=False) & ~Q(of__state=RunState.ROLLED_BACK.value)
    others = Q(state__in=[RunState.HELD.value, RunState.ROLLBACK_FAILED.value])
    return list(rows.filter(others | Q(left, state=RunState.FAILED.value)).distinct()[:20])
