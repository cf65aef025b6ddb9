from __future__ import annotations

from django.db import models

from core.choices import choices
from statuspage.domain.states import MaintenanceState


class Maintenance(models.Model):
    """Work that is told of in advance. It begins and ends by the clock, at `starts_at` and `ends_at` (UTC).

    `zone` is the one it was planned in; `titles` and `texts` are by language; `ended_at` is when it was over indeed, or
    cancelled.
    """

    public_id = models.CharField(max_length=12, unique=True)
    titles = models.JSONField()
    texts = models.JSONField(default=dict, blank=True)
    zone = models.CharField(max_length=60, default="UTC")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    components = models.ManyToManyField("statuspage.Component", related_name="maintenances")
    state = models.CharField(max_length=11, choices=choices(MaintenanceState), default=MaintenanceState.SCHEDULED.value)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=150)
    updated_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        ordering = ["-starts_at", "-id"]
        permissions = [("plan_maintenance", "Can plan, change and cancel maintenances")]
        indexes = [
            models.Index(fields=["state", "starts_at"], name="maintenance_to_begin"),
            models.Index(fields=["-starts_at"], name="maintenance_by_time"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(ends_at__gt=models.F("starts_at")), name="maintenance_ends_after_start"
            ),
            models.CheckConstraint(
                condition=models.Q(
                    state__in=[MaintenanceState.COMPLETED.value, MaintenanceState.CANCELLED.value],
                    ended_at__isnull=False,
                )
                | models.Q(
                    state__in=[
                        MaintenanceState.SCHEDULED.value,
                        MaintenanceState.IN_PROGRESS.value,
                        MaintenanceState.VERIFYING.value,
                    ],
                    ended_at__isnull=True,
                ),
                name="maintenance_over_or_not",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def title(self) -> str:
        return str(self.titles.get("en") or next(iter(self.titles.values()), ""))

    @property
    def environment(self) -> None:
        """It is told to the public, and belongs to no environment."""
        return
