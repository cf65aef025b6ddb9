from __future__ import annotations

from django.db import models

from core.choices import choices
from monitoring.domain.metrics import MetricKind


class Series(models.Model):
    """One metric with one set of labels in one environment, for example
    `melt_errors_total{flag="atomicMeltOperations", variant="on"}`.
    """

    environment = models.ForeignKey("core.Environment", on_delete=models.CASCADE, related_name="series")
    name = models.CharField(max_length=100)
    kind = models.CharField(max_length=10, choices=choices(MetricKind))
    labels = models.JSONField(default=dict)
    digest = models.CharField(max_length=64, help_text="SHA-256 of name and sorted labels.")
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["name", "id"]
        verbose_name_plural = "series"
        constraints = [models.UniqueConstraint(fields=["environment", "digest"], name="series_once")]
        indexes = [models.Index(fields=["environment", "name"], name="series_by_name")]

    def __str__(self) -> str:
        labels = ", ".join(f'{key}="{value}"' for key, value in sorted(self.labels.items()))
        return f"{self.name}{{{labels}}}"


class Bucket(models.Model):
    """Ten seconds of one series: how many samples (`n`), their sum, least and greatest.

    A counter's `sum` is the number of counted things; a timing's `sum / n` is its mean in milliseconds.
    """

    series = models.ForeignKey("monitoring.Series", on_delete=models.CASCADE, related_name="buckets")
    start = models.BigIntegerField(help_text="Unix seconds, a multiple of ten.")
    n = models.BigIntegerField()
    sum = models.FloatField()
    min = models.FloatField()
    max = models.FloatField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["series", "start"], name="bucket_once")]
        indexes = [models.Index(fields=["start"], name="bucket_by_time")]

    def __str__(self) -> str:
        return f"{self.series_id}@{self.start}"


class Receipt(models.Model):
    """A batch that was stored: the same id is not counted again."""

    environment = models.ForeignKey("core.Environment", on_delete=models.CASCADE, related_name="+")
    batch = models.CharField(max_length=100)
    at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["environment", "batch"], name="receipt_once")]

    def __str__(self) -> str:
        return self.batch
