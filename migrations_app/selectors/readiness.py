"""What was decided and done about the readiness of an environment's database."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.db.models import Max

from core.errors import NotFound
from migrations_app.adapters import backup_command
from migrations_app.domain.backup import UNDER_WAY, BackupState, LastBackup
from migrations_app.domain.readiness import Waiver
from migrations_app.models import Backup, ReadinessWaiver

if TYPE_CHECKING:
    from django.db.models import QuerySet

SHOWN = 10  # backups
BAD = (BackupState.FAILED.value, BackupState.LOST.value)


def waivers(environment_id: int, *, now: datetime) -> dict[str, Waiver]:
    """Those that hold now, by the name of their check."""
    found = ReadinessWaiver.objects.filter(environment=environment_id, at__lte=now, expires_at__gt=now).order_by("id")
    return {row.check_name: Waiver(row.by, row.reason, row.expires_at, row.pk) for row in found}


def waiver(waiver_id: int) -> ReadinessWaiver:
    """Raises NotFound."""
    found = ReadinessWaiver.objects.select_related("environment").filter(pk=waiver_id).first()
    if found is None:
        raise NotFound(f"There is no waiver {waiver_id}.")
    return found


def last_backup(environment_id: int, environment: str) -> LastBackup:
    """How the environment stands with its backups."""
    rows = Backup.objects.filter(environment=environment_id)
    made = rows.filter(state=BackupState.MADE.value).order_by("-started_at").first()
    begun_at = made.started_at if made else None
    bad = rows.filter(state__in=BAD)
    if begun_at is not None:
        bad = bad.filter(started_at__gt=begun_at)
    return LastBackup(
        begun_at=begun_at,
        failed_at=bad.aggregate(at=Max("ended_at"))["at"],
        tested_at=rows.aggregate(at=Max("restored_at"))["at"],
        under_way=rows.filter(state__in=[state.value for state in UNDER_WAY]).exists(),
        command=backup_command.is_set_up(environment),
    )


def backups(environment_id: int) -> QuerySet[Backup]:
    """The newest, first."""
    return Backup.objects.filter(environment=environment_id).select_related("environment")[:SHOWN]


def backup(backup_id: int) -> Backup:
    """Raises NotFound."""
    found = Backup.objects.select_related("environment").filter(pk=backup_id).first()
    if found is None:
        raise NotFound(f"There is no backup {backup_id}.")
    return found
