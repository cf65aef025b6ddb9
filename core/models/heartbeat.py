from __future__ import annotations

from django.db import models


class Heartbeat(models.Model):
    """When a part that works on its own (guard, clock, sender) last finished a round."""

    name = models.CharField(max_length=60, primary_key=True)
    at = models.DateTimeField()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
