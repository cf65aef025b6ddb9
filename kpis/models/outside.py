from __future__ import annotations

from django.db import models

from core.actors import ActorKind
from core.choices import choices


class OutsideFigure(models.Model):
    """A figure that somebody reported for a period. Never changed: a correction is a new row that supersedes it."""

    kpi = models.ForeignKey("kpis.Kpi", on_delete=models.CASCADE, related_name="figures")
    environment = models.ForeignKey("core.Environment", on_delete=models.PROTECT, related_name="kpi_figures")
    start = models.DateField()
    end = models.DateField(help_text="The last day of the period.")
    baseline = models.FloatField(null=True, blank=True)
    current = models.FloatField()
    note = models.CharField(max_length=500, blank=True)
    reported_by = models.CharField(max_length=150)
    reported_by_kind = models.CharField(max_length=10, choices=choices(ActorKind))
    reported_at = models.DateTimeField()
    corrects = models.OneToOneField(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="corrected_by"
    )
    superseded_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-end", "-pk"]
        verbose_name = "figure from outside"
        verbose_name_plural = "figures from outside"
        permissions = [("report_figure", "Can report figures of KPIs from outside")]
        constraints = [
            models.UniqueConstraint(
                fields=["kpi", "environment", "start", "end"],
                condition=models.Q(superseded_at=None),
                name="kpi_figure_once",
            ),
            models.CheckConstraint(condition=models.Q(end__gte=models.F("start")), name="kpi_figure_period"),
            models.CheckConstraint(
                condition=models.Q(current__gte=0) & (models.Q(baseline=None) | models.Q(baseline__gt=0)),
                name="kpi_figure_not_negative",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kpi_id} {self.start} to {self.end}"
