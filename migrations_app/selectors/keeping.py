"""Whose journal is kept until when, from the control plane alone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.conf import settings

from core.errors import DomainError
from migrations_app.adapters import modules
from migrations_app.domain import retention
from migrations_app.domain.migration import PhaseName
from migrations_app.domain.states import LIVE, UNDER_WAY, Direction, LogStatus, RunState
from migrations_app.models import MigrationLog, MigrationRun
from migrations_app.selectors import runs


def keep() -> timedelta:
    """How long a journal is kept after the end of its run; zero: for ever."""
    return timedelta(days=settings.MIGRATION_JOURNAL_RETENTION_DAYS)


def kept_until(row: MigrationRun) -> datetime | None:
    """When the journal of a run goes by itself. None: it has none, it has gone, or only a person drops it."""
    if not _has_journal(row) or row.ended_at is None or RunState(row.state) not in retention.OVER:
        return None
    if row.state != RunState.ROLLED_BACK and row.undone_by.filter(state=RunState.FAILED.value).exists():
        return None  # a rollback of it has failed, and goes on when a person says so
    try:
        after_cleanup = modules.get(row.number).migration.cleanup_after
    except DomainError:  # its file is not here any more: the longer of the two times holds
        return retention.kept_until(row.ended_at, None, keep=keep(), after_cleanup=timedelta())
    return retention.kept_until(row.ended_at, _cleaned_at(row), keep=keep(), after_cleanup=after_cleanup)


def due(*, now: datetime) -> Iterator[MigrationRun]:
    """Runs whose journal's retention is over, in environments where nothing is under way."""
    states = sorted(state.value for state in retention.OVER)
    rows = runs().filter(direction=Direction.UP.value, state__in=states, started_at__isnull=False, ended_at__lte=now)
    busy = runs().filter(state__in=sorted(UNDER_WAY)).order_by().values("environment")
    for row in rows.exclude(result__has_key="forgotten").exclude(environment__in=busy):
        until = kept_until(row)
        if until is not None and until <= now and taken_back_by(row) is None:
            yield row


def left_behind() -> list[MigrationRun]:
    """Runs whose journal was given up, while it is not known to be gone from nctool's database."""
    return list(runs().filter(result__has_key="forgotten").exclude(result__has_key="dropped"))


def taken_back_by(row: MigrationRun) -> MigrationRun | None:
    """The run that takes this one back, or is asked to."""
    return row.undone_by.filter(state__in=sorted(LIVE)).first()


def _has_journal(row: MigrationRun) -> bool:
    return row.direction == Direction.UP and row.started_at is not None and "forgotten" not in row.result


def _cleaned_at(row: MigrationRun) -> datetime | None:
    """The end of the cleanup that came after this run and still stands."""
    if PhaseName.CLEANUP in row.phases:
        return None
    logs = MigrationLog.objects.filter(
        run__environment=row.environment_id,
        run__number=row.number,
        run__direction=Direction.UP.value,
        run__state=RunState.COMPLETED.value,
        run__id__gt=row.pk,
        phase=PhaseName.CLEANUP.value,
        status=LogStatus.COMPLETED.value,
    )
    return logs.order_by("id").values_list("run__ended_at", flat=True).first()
