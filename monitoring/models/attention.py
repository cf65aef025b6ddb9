from __future__ import annotations

from django.db import models


class Attention(models.Model):
    """While this stands, a flag is looked at every so many seconds. Whoever moves the flag puts it there, and away."""

    environment = models.ForeignKey("core.Environment", on_delete=models.CASCADE, related_name="attentions")
    flag_key = models.CharField(max_length=100)
    every = models.PositiveSmallIntegerField(help_text="Seconds.")

    class Meta:
        ordering = ["environment", "flag_key"]
        constraints = [models.UniqueConstraint(fields=["environment", "flag_key"], name="attention_once")]

    def __str__(self) -> str:
        return f"{self.flag_key}: every {self.every} s"
