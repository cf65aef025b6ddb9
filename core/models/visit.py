from __future__ import annotations

from django.db import models


class Visit(models.Model):
    """How often a network came to a public door in one hour. `who` is a keyed digest: no address is kept."""

    door = models.CharField(max_length=20)
    who = models.CharField(max_length=64)
    hour = models.DateTimeField()
    count = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["door", "who", "hour"], name="visit_counted_once")]

    def __str__(self) -> str:
        return f"{self.count} at {self.door} in the hour of {self.hour:%Y-%m-%d %H:%M}"
