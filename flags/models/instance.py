from __future__ import annotations

from django.db import models


class Instance(models.Model):
    """A process that evaluates flags of one environment: a web process of ours, or a client library elsewhere.

    `version` is the configuration it serves. Seen lately: it lives; on an older version: it lags.
    Not seen lately: it has vanished, which says nothing about what it serves. It says itself when it stops in order.
    """

    environment = models.ForeignKey("core.Environment", on_delete=models.CASCADE, related_name="instances")
    name = models.CharField(max_length=100)
    kind = models.CharField(max_length=20)
    software = models.CharField(max_length=80, blank=True)
    version = models.PositiveBigIntegerField(default=0)
    interval = models.PositiveIntegerField(default=10, help_text="Seconds between two reports, as it says itself.")
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    stopped_at = models.DateTimeField(null=True, blank=True)
    last_report = models.CharField(max_length=36, blank=True, help_text="Its id: sent again, it counts once.")

    class Meta:
        ordering = ["environment__position", "kind", "name"]
        constraints = [models.UniqueConstraint(fields=["environment", "name"], name="instance_once")]

    def __str__(self) -> str:
        return self.name


class Acknowledgement(models.Model):
    """When an instance first served a version (or, having skipped it, a later one)."""

    instance = models.ForeignKey("flags.Instance", on_delete=models.CASCADE, related_name="acknowledgements")
    version = models.PositiveBigIntegerField()
    at = models.DateTimeField()

    class Meta:
        ordering = ["version"]
        constraints = [models.UniqueConstraint(fields=["instance", "version"], name="acknowledged_once")]

    def __str__(self) -> str:
        return f"{self.instance} v{self.version}"
