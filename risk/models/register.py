from __future__ import annotations

from django.db import models

from core.choices import choices
from risk.domain.levels import Level, RiskState


class Risk(models.Model):
    """One risk of the register (seed: Deployment Risks): what may happen, and what is done about it.

    `links` names what mitigates it: `{"kind": "trigger" | "alert" | "checklist" | "ramp", "key": key}`.
    """

    key = models.SlugField(max_length=60, unique=True)
    title = models.CharField(max_length=200)
    probability = models.CharField(max_length=10, choices=choices(Level))
    impact = models.CharField(max_length=10, choices=choices(Level))
    mitigations = models.JSONField(default=list)
    owner = models.CharField(max_length=120, blank=True)
    state = models.CharField(max_length=10, choices=choices(RiskState), default=RiskState.OPEN.value)
    review_on = models.DateField(null=True, blank=True)
    links = models.JSONField(default=list, blank=True)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        ordering = ["id"]
        permissions = [("register_risk", "Can register risks and change them")]

    def __str__(self) -> str:
        return self.title
