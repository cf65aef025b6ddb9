from __future__ import annotations

from django.db import models

from communications.domain.alerts import AlertType, Severity
from core.choices import choices


class Alert(models.Model):
    """What operations must hear of: one for each announced event, whatever happens to its announcements."""

    event = models.OneToOneField("core.Event", on_delete=models.PROTECT, related_name="alert")
    type = models.CharField(max_length=40, choices=choices(AlertType))
    severity = models.CharField(max_length=10, choices=choices(Severity))
    feature = models.CharField(max_length=100)
    environment = models.ForeignKey("core.Environment", null=True, on_delete=models.PROTECT, related_name="alerts")
    text = models.TextField()
    at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.text
