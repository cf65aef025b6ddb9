from __future__ import annotations

from django.db import models


class Segment(models.Model):
    """A named condition on the context that targeting rules of one environment share.

    `conditions` are those of `flags.domain.targeting`; all must hold.
    """

    environment = models.ForeignKey("core.Environment", on_delete=models.PROTECT, related_name="segments")
    key = models.SlugField(max_length=60)
    name = models.CharField(max_length=120)
    description = models.TextField(blank=True)
    conditions = models.JSONField(default=list)
    version = models.PositiveIntegerField(default=1)
    changed_at = models.DateTimeField()

    class Meta:
        ordering = ["environment__position", "key"]
        constraints = [models.UniqueConstraint(fields=["environment", "key"], name="segment_once")]

    def __str__(self) -> str:
        return self.name
