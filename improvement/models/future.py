from __future__ import annotations

from django.db import models


class NextPhase(models.Model):
    """What the team wants to roll out next, and what must be so before it begins.

    `said` are the prerequisites that a person said are met, by their text: `{"by", "at", "note"}`.
    """

    key = models.CharField(max_length=60, unique=True)
    title = models.CharField(max_length=200)
    timeline = models.CharField(max_length=200, blank=True)
    objectives = models.JSONField(default=list)
    prerequisites = models.JSONField(default=list)
    risks = models.JSONField(default=dict)
    said = models.JSONField(default=dict, blank=True)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        ordering = ["id"]
        permissions = [("plan_nextphase", "Can plan the next phase and the roadmap")]

    def __str__(self) -> str:
        return self.title


class Quarter(models.Model):
    """A quarter of the roadmap: its focus, and deliverables `{"text", "state"}`."""

    key = models.CharField(max_length=60, unique=True, help_text="Such as q1_2025.")
    focus = models.CharField(max_length=200)
    deliverables = models.JSONField(default=list)
    position = models.PositiveSmallIntegerField()
    version = models.PositiveIntegerField(default=1)

    class Meta:
        ordering = ["position", "key"]
        verbose_name = "quarter of the roadmap"
        verbose_name_plural = "quarters of the roadmap"

    def __str__(self) -> str:
        return f"{self.label}: {self.focus}"

    @property
    def label(self) -> str:
        """`q1_2025` as people read it: `Q1 2025`."""
        return self.key.replace("_", " ").upper()
