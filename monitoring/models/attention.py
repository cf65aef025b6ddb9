from __future__ import annotations

from django.db import models


class Attention(models.Model):
    """While this stands, a flag is looked at every so many seconds. Its `holder` puts it there, and away.

    Several may hold one flag, for example its ramp and an incident: the shortest time counts.
    """

    environment = models.ForeignKey("core.Environment", on_delete=models.CASCADE, related_name="attentions")
    flag_key = models.CharField(max_length=100)
    holder = models.CharField(max_length=60, default="ramp")
    every = models.PositiveSmallIntegerField(help_text="Seconds.")

    class Meta:
        ordering = ["environment", "flag_key"]
        constraints = [models.UniqueConstraint(fields=["environment", "flag_key", "holder"], name="attention_once")]

    def __str__(self) -> str:
        return f"{self.flag_key}: every {self.every} s"
