from __future__ import annotations

from django.db import models

from core.choices import choices
from rollouts.domain.states import MonitoringLevel


class Level(models.Model):
    """What the playbook asks for at a monitoring level (`rollouts.domain.levels.Level`), of ramps that are started."""

    key = models.CharField(max_length=12, unique=True, choices=choices(MonitoringLevel))
    values = models.JSONField()

    class Meta:
        ordering = ["key"]

    def __str__(self) -> str:
        return self.key
