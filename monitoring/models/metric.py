from __future__ import annotations

from django.db import models

BETTER = [("lower", "lower"), ("higher", "higher"), ("", "neither")]


class Metric(models.Model):
    """One row of the catalogue: what a metric means, in which unit, who answers for it, and how it is computed.

    With a `query` (PromQL over what was reported) its value is computed every ten seconds in every environment and
    kept as a gauge of this name, source `recorded`. Without one it is reported under this name, or computed by the
    product itself (`computed`). `warning` and `critical` are where a chart draws its bands.
    """

    key = models.CharField(max_length=100, unique=True)
    title = models.CharField(max_length=120)
    unit = models.CharField(max_length=20, blank=True, help_text="%, ms, s, TPS; empty for a count.")
    meaning = models.TextField()
    group = models.CharField(max_length=60)
    query = models.TextField(blank=True)
    owner = models.CharField(max_length=120)
    better = models.CharField(max_length=6, choices=BETTER, blank=True)
    warning = models.FloatField(null=True, blank=True)
    critical = models.FloatField(null=True, blank=True)
    position = models.PositiveIntegerField()
    error = models.CharField(max_length=500, blank=True, help_text="Why its query could not be evaluated last.")

    class Meta:
        ordering = ["position"]
        verbose_name = "metric"

    def __str__(self) -> str:
        return self.title
