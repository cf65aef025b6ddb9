from __future__ import annotations

from django.db import models


class Freeze(models.Model):
    """A time in which nothing is raised, promoted or released in its environments: once, or recurring.

    `starts_at` is local time in `zone` without an offset, so that 18:00 stays 18:00 over a change of the clocks.
    `recurrence` is an RFC 5545 RRULE (its value, without the name); empty: once. `but_not` are local dates
    (ISO) on which an occurrence that would start falls out. Live: `ended_at` is empty.
    """

    name = models.CharField(max_length=120)
    reason = models.TextField()
    environments = models.ManyToManyField("core.Environment", related_name="freezes")
    zone = models.CharField(max_length=60, default="UTC", help_text="IANA name, for example Europe/Berlin.")
    starts_at = models.CharField(max_length=19, help_text="Local time, for example 2025-08-29T18:00:00.")
    duration = models.PositiveIntegerField(help_text="Seconds.")
    recurrence = models.CharField(max_length=300, blank=True)
    but_not = models.JSONField(default=list, blank=True)
    key = models.CharField(max_length=60, unique=True, null=True, blank=True, help_text="Of one in a playbook.")
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=150)
    ended_at = models.DateTimeField(null=True, blank=True)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        ordering = ["id"]
        permissions = [
            ("plan_freeze", "Can plan, change and end freezes"),
            ("override_freeze", "Can let changes through a freeze"),
        ]

    def __str__(self) -> str:
        return self.name


class FreezeOverride(models.Model):
    """An approver lets changes through one occurrence of a freeze in one environment, until `until`."""

    freeze = models.ForeignKey("core.Freeze", on_delete=models.CASCADE, related_name="overrides")
    environment = models.ForeignKey("core.Environment", on_delete=models.PROTECT, related_name="freeze_overrides")
    occurrence = models.DateTimeField(help_text="When the occurrence begins.")
    until = models.DateTimeField()
    reason = models.TextField()
    by = models.CharField(max_length=150)
    at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["freeze", "environment", "occurrence"], name="freeze_overridden_once")
        ]

    def __str__(self) -> str:
        return f"{self.freeze} lifted by {self.by}"
