from __future__ import annotations

from django.db import models

from core.choices import choices
from risk.domain.levels import Level


class Score(models.Model):
    """The risk of an environment at one time, 0 to 100 (seed: Risk Monitoring).

    `level` follows the score with hysteresis. `factors` holds for each its value, what it was normalised to, its
    weight and its part of the score; the value of a missing one is null. `low` and `high` are the least and the
    greatest score that the missing factors could make of it. Null: no factor is known.
    """

    environment = models.ForeignKey("core.Environment", on_delete=models.CASCADE, related_name="risk_scores")
    at = models.DateTimeField()
    score = models.FloatField(null=True)
    low = models.FloatField()
    high = models.FloatField()
    level = models.CharField(max_length=10, choices=choices(Level), blank=True)
    factors = models.JSONField()

    class Meta:
        ordering = ["-at"]
        verbose_name = "risk score"
        constraints = [models.UniqueConstraint(fields=["environment", "at"], name="score_once")]

    def __str__(self) -> str:
        return f"{self.score} {self.level}"
