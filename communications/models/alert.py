from __future__ import annotations

from django.db import models

from communications.domain.alerts import AlertType, ChannelName, Severity
from core.choices import choices


class Alert(models.Model):
    """What operations must hear of: one for each announced event, whatever happens to its deliveries."""

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


class Delivery(models.Model):
    """An alert on its way through one channel; the row is the queue.

    Open: neither `sent_at` nor `failed_at`. A sender takes it by moving `claimed_until` and adding one to
    `fence`; only the holder of the newest fence may write the outcome. After the last try, or an error
    that will not go away, `failed_at` is set.
    """

    alert = models.ForeignKey("communications.Alert", on_delete=models.CASCADE, related_name="deliveries")
    channel = models.CharField(max_length=10, choices=choices(ChannelName))
    next_try_at = models.DateTimeField()
    claimed_until = models.DateTimeField(null=True, blank=True)
    fence = models.PositiveIntegerField(default=0)
    tries = models.PositiveSmallIntegerField(default=0)
    sent_at = models.DateTimeField(null=True, blank=True)
    failed_at = models.DateTimeField(null=True, blank=True)
    error = models.TextField(blank=True)

    class Meta:
        ordering = ["id"]
        verbose_name_plural = "deliveries"
        permissions = [("retry_delivery", "Can try a delivery again that was given up")]
        constraints = [models.UniqueConstraint(fields=["alert", "channel"], name="delivery_once_per_channel")]
        indexes = [
            models.Index(
                fields=["next_try_at"],
                condition=models.Q(sent_at__isnull=True, failed_at__isnull=True),
                name="delivery_open",
            )
        ]

    def __str__(self) -> str:
        return f"{self.channel}: {self.alert}"
