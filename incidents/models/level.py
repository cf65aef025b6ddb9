from __future__ import annotations

from django.db import models


class LevelPolicy(models.Model):
    """What the playbook says of a level (`incidents.domain.levels.Policy`), in place of the seed's words."""

    level = models.PositiveSmallIntegerField(unique=True)
    values = models.JSONField()

    class Meta:
        ordering = ["level"]
        verbose_name_plural = "level policies"

    def __str__(self) -> str:
        return f"Level {self.level}"
