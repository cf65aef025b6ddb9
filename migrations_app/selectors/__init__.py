"""Reads of runs of migrations, from the control plane alone."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from core.errors import NotFound
from migrations_app.domain.states import AT_WORK, UNDER_WAY, Direction, LogStatus, RunState
from migrations_app.models import MigrationLog, MigrationRun

if TYPE_CHECKING:
    from django.db.models import QuerySet

__all__ = ["AT_WORK", "applied", "at_work", "for_person", "get", "runs", "under_way", "waiting"]


def runs(environment: str | None = None) -> QuerySet[MigrationRun]:
    """Runs, newest first, with their environment."""
    rows = MigrationRun.objects.select_related("environment", "of").order_by("-id")
    return rows if environment is None else rows.filter(environment__key=environment)


def get(uid: str) -> MigrationRun:
    """One run. Raises NotFound."""
    found = runs().filter(uid=uid).first()
    if found is None:
        raise NotFound(f"There is no migration run {uid}.")
    return found


def at_work() -> list[MigrationRun]:
    """The runs that a worker should bring forward, the oldest first."""
    return list(runs().filter(state__in=sorted(AT_WORK)).order_by("id")[:20])


def under_way(environment: str) -> MigrationRun | None:
    """The run that is under way in an environment: there is at most one."""
    return runs(environment).filter(state__in=sorted(UNDER_WAY)).first()


def waiting() -> QuerySet[MigrationRun]:
    """The runs that wait to be approved, and those that stand and wait for anybody."""
    states = (RunState.REQUESTED, RunState.HELD, RunState.ROLLBACK_FAILED)
    return runs().filter(state__in=[state.value for state in states]).order_by("id")


def for_person(found: Iterable[MigrationRun], person: str, *, now: datetime) -> list[MigrationRun]:
    """Of those that wait, what this person could approve, and what stands."""
    return [
        row
        for row in found
        if row.state != RunState.REQUESTED or (now < row.expires_at and person not in row.contributors)
    ]


def applied(environment: str, number: str) -> MigrationRun | None:
    """The newest run that applied the data of a migration there and is not taken back; None: it is not applied."""
    done = MigrationLog.objects.filter(
        run__environment__key=environment,
        run__number=number,
        run__direction=Direction.UP.value,
        run__state=RunState.COMPLETED.value,
        phase="data",
        status=LogStatus.COMPLETED.value,
    )
    log = done.select_related("run__environment").order_by("-id").first()
    return log.run if log else None
