from __future__ import annotations

from django.db import models

from kpis.domain.figure import Status

JUDGED = [(status.value, status.value) for status in Status if status.judged]


class Kpi(models.Model):
    """The definition of a KPI. `document` is as the playbook has it (`Definition.read`)."""

    key = models.CharField(max_length=60, unique=True)
    position = models.PositiveSmallIntegerField(default=0)
    document = models.JSONField()

    class Meta:
        ordering = ["position", "key"]
        verbose_name = "KPI"

    def __str__(self) -> str:
        return str(self.document.get("name", self.key))


class Day(models.Model):
    """What one day of one environment adds to a KPI: `part / of`, computed from `n` samples.

    A day of the environment's zone. It is computed again until it is `settled`; today is among them. `why` says why
    there is nothing, and then the numbers are 0.
    """

    kpi = models.ForeignKey("kpis.Kpi", on_delete=models.CASCADE, related_name="days")
    environment = models.ForeignKey("core.Environment", on_delete=models.CASCADE, related_name="kpi_days")
    day = models.DateField()
    part = models.FloatField(default=0)
    of = models.FloatField(default=0)
    n = models.PositiveBigIntegerField(default=0)
    why = models.CharField(max_length=200, blank=True)
    measured_at = models.DateTimeField()
    settled = models.BooleanField(default=False)

    class Meta:
        ordering = ["day"]
        verbose_name = "day of a KPI"
        verbose_name_plural = "days of KPIs"
        indexes = [models.Index(fields=["environment", "day"], name="kpi_day_here")]
        constraints = [
            models.UniqueConstraint(fields=["kpi", "environment", "day"], name="kpi_day_once"),
            models.CheckConstraint(
                condition=models.Q(why="") | models.Q(part=0, of=0, n=0), name="kpi_day_of_nothing_is_nothing"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kpi_id} {self.day}"


class Standing(models.Model):
    """What people know of a KPI in an environment (`kpis.domain.confirm`), and up to which day it was looked at."""

    kpi = models.ForeignKey("kpis.Kpi", on_delete=models.CASCADE, related_name="standings")
    environment = models.ForeignKey("core.Environment", on_delete=models.CASCADE, related_name="kpi_standings")
    told = models.CharField(max_length=8, choices=JUDGED, blank=True)
    seen = models.CharField(max_length=8, choices=JUDGED, blank=True)
    days = models.PositiveSmallIntegerField(default=0)
    until = models.DateField(null=True, blank=True)

    class Meta:
        verbose_name = "standing of a KPI"
        verbose_name_plural = "standings of KPIs"
        constraints = [models.UniqueConstraint(fields=["kpi", "environment"], name="kpi_standing_once")]

    def __str__(self) -> str:
        return f"{self.kpi_id} {self.told}"
