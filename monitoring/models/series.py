from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from django.db import connections, models

from core.choices import choices
from monitoring.domain.metrics import MetricKind


class Series(models.Model):
    """One metric with one set of labels in one environment, for example
    `melt_errors_total{flag="atomicMeltOperations", variant="on"}`, from one source.

    `source` tells who brought it: `json`, `otlp` or `pushgateway` (the doors), `recorded` (computed here from the
    catalogue), or the key of a pulled source. Series of two sources are two series, whatever their names.
    """

    environment = models.ForeignKey("core.Environment", on_delete=models.CASCADE, related_name="series")
    source = models.CharField(max_length=60, default="json")
    name = models.CharField(max_length=100)
    kind = models.CharField(max_length=10, choices=choices(MetricKind))
    labels = models.JSONField(default=dict)
    digest = models.CharField(max_length=64, help_text="SHA-256 of name and sorted labels.")
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["name", "id"]
        verbose_name = "measurement"
        constraints = [models.UniqueConstraint(fields=["environment", "source", "digest"], name="series_once")]
        indexes = [models.Index(fields=["environment", "name"], name="series_by_name")]

    def __str__(self) -> str:
        labels = ", ".join(f'{key}="{value}"' for key, value in sorted(self.labels.items()))
        return f"{self.name}{{{labels}}}"


class Addition(NamedTuple):
    """What is added to one bucket."""

    series_id: int
    start: int
    n: int
    sum: float
    min: float
    max: float
    last: float


class BucketQuerySet(models.QuerySet["Bucket"]):
    """The ORM's upsert replaces; this one adds, in the database, so that no writer loses what another wrote."""

    def add(self, additions: Sequence[Addition]) -> None:
        """Add to the buckets, making those that are missing. Sorted, so that two writers never wait crosswise."""
        rows = sorted(additions)
        with connections[self.db].cursor() as cursor:
            for start in range(0, len(rows), ADDED_AT_ONCE):
                some = rows[start : start + ADDED_AT_ONCE]
                values = ", ".join(["(%s, %s, %s, %s, %s, %s, %s)"] * len(some))
                cursor.execute(_ADD.format(values=values), [value for row in some for value in row])


ADDED_AT_ONCE = 500
_ADD = """
    INSERT INTO monitoring_bucket (series_id, start, n, "sum", "min", "max", "last") VALUES {values}
    ON CONFLICT (series_id, start) DO UPDATE SET
        n = monitoring_bucket.n + excluded.n,
        "sum" = monitoring_bucket."sum" + excluded."sum",
        "min" = CASE WHEN excluded."min" < monitoring_bucket."min"
            THEN excluded."min" ELSE monitoring_bucket."min" END,
        "max" = CASE WHEN excluded."max" > monitoring_bucket."max"
            THEN excluded."max" ELSE monitoring_bucket."max" END,
        "last" = excluded."last"
"""


class Bucket(models.Model):
    """Ten seconds of one series: how many samples (`n`), their sum, least, greatest and last.

    A counter's `sum` is the number of counted things; a timing's `sum / n` is its mean in milliseconds; a gauge's
    `last` is what it stood at.
    """

    series = models.ForeignKey("monitoring.Series", on_delete=models.CASCADE, related_name="buckets")
    start = models.BigIntegerField(help_text="Unix seconds, a multiple of ten.")
    n = models.BigIntegerField()
    sum = models.FloatField()
    min = models.FloatField()
    max = models.FloatField()
    last = models.FloatField(default=0)

    objects = BucketQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["series", "start"], name="bucket_once")]
        indexes = [models.Index(fields=["start"], name="bucket_by_time")]

    def __str__(self) -> str:
        return f"{self.series_id}@{self.start}"


class Rollup(models.Model):
    """Five minutes or an hour of one series, made of its buckets once they are complete."""

    series = models.ForeignKey("monitoring.Series", on_delete=models.CASCADE, related_name="rollups")
    span = models.PositiveIntegerField(help_text="Seconds: 300 or 3600.")
    start = models.BigIntegerField(help_text="Unix seconds, a multiple of `span`.")
    n = models.BigIntegerField()
    sum = models.FloatField()
    min = models.FloatField()
    max = models.FloatField()
    last = models.FloatField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["series", "span", "start"], name="rollup_once")]
        indexes = [models.Index(fields=["span", "start"], name="rollup_by_time")]

    def __str__(self) -> str:
        return f"{self.series_id}@{self.start}/{self.span}"


class Sketch(models.Model):
    """How the timings of one step of a series are spread, for percentiles: a log-sketch.

    SQL cannot merge two of them, so every writer (a thread of a process) has rows of its own, and whoever reads
    merges. Roll-ups have the writer 0.
    """

    series = models.ForeignKey("monitoring.Series", on_delete=models.CASCADE, related_name="sketches")
    span = models.PositiveIntegerField(help_text="Seconds: 10, 300 or 3600.")
    start = models.BigIntegerField(help_text="Unix seconds, a multiple of `span`.")
    writer = models.BigIntegerField()
    cells = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["series", "span", "start", "writer"], name="sketch_once")]
        indexes = [models.Index(fields=["span", "start"], name="sketch_by_time")]

    def __str__(self) -> str:
        return f"{self.series_id}@{self.start}/{self.span}"


class Total(models.Model):
    """Where a running total stood when it was last reported: what a counter's next report is compared with.

    `origin` is when the total began (unix seconds), where its sender tells; `at` when it was measured.
    """

    series = models.OneToOneField("monitoring.Series", on_delete=models.CASCADE, related_name="running_total")
    value = models.FloatField()
    state = models.JSONField(default=dict, help_text="Of a histogram: its count and cells.")
    origin = models.FloatField(null=True)
    at = models.FloatField()

    def __str__(self) -> str:
        return f"{self.series_id}: {self.value:g}"


class Receipt(models.Model):
    """A batch that was stored: the same id is not counted again."""

    environment = models.ForeignKey("core.Environment", on_delete=models.CASCADE, related_name="+")
    batch = models.CharField(max_length=100)
    at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["environment", "batch"], name="receipt_once")]

    def __str__(self) -> str:
        return self.batch
