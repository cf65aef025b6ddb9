from __future__ import annotations

from django.db import models


class Configuration(models.Model):
    """The version of all flags and tokens of one environment: up by one with each change of any of them."""

    environment = models.OneToOneField(
        "core.Environment", primary_key=True, on_delete=models.CASCADE, related_name="configuration"
    )
    version = models.PositiveBigIntegerField(default=0)
    changed_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.environment} v{self.version}"
