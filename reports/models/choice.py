from __future__ import annotations

from django.conf import settings
from django.db import models


class HomeChoice(models.Model):
    """The environment that a person looked at last on home: the one that home opens with."""

    person = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    environment = models.ForeignKey("core.Environment", on_delete=models.CASCADE, related_name="+")

    class Meta:
        default_permissions = ()
        verbose_name = "environment on home"
        verbose_name_plural = "environments on home"

    def __str__(self) -> str:
        return f"{self.person_id}: {self.environment_id}"
