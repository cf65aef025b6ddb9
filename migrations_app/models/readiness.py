from __future__ import annotations

from django.db import models

from core.choices import choices
from migrations_app.domain.backup import UNDER_WAY, BackupState


class ReadinessWaiver(models.Model):
    """An approver lets a check of the database's readiness pass for a while."""

    environment = models.ForeignKey("core.Environment", on_delete=models.PROTECT, related_name="+")
    check_name = models.CharField(max_length=40)
    by = models.CharField(max_length=150)
    reason = models.TextField()
    at = models.DateTimeField()
    expires_at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["environment", "check_name", "expires_at"], name="readiness_waiver_live")]

    def __str__(self) -> str:
        return f"{self.check_name} in {self.environment}"


class Backup(models.Model):
    """A backup of nctool's database that the team's own command made, as the worker saw it.

    `size` in bytes, as the command told it; None when it told none. `why` is how it ended. `restored_at`: when its
    restore was last tested with success.
    """

    environment = models.ForeignKey("core.Environment", on_delete=models.PROTECT, related_name="+")
    state = models.CharField(max_length=10, choices=choices(BackupState), default=BackupState.WAITING.value)
    requested_by = models.CharField(max_length=150)
    requested_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    fence = models.PositiveIntegerField(default=0)
    size = models.PositiveBigIntegerField(null=True, blank=True)
    place = models.CharField(max_length=500, blank=True)
    why = models.TextField(blank=True)
    output = models.TextField(blank=True)
    restored_at = models.DateTimeField(null=True, blank=True)
    restored_by = models.CharField(max_length=150, blank=True)
    note = models.TextField(blank=True)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["state", "id"], name="backup_by_state"),
            models.Index(fields=["environment", "state", "started_at"], name="backup_newest"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["environment"],
                condition=models.Q(state__in=sorted(state.value for state in UNDER_WAY)),
                name="backup_one_under_way",
            )
        ]

    def __str__(self) -> str:
        return f"backup {self.pk} of {self.environment}"
