from __future__ import annotations

from enum import StrEnum

from django.db import models
from django.db.models import Q

from core.choices import choices


class State(StrEnum):
    ASKED = "asked"
    RUNNING = "running"
    SOUND = "sound"
    BROKEN = "broken"


class Verification(models.Model):
    """One look through all chains. At most one is asked for or running.

    Running: `claimed_until` is its lease, and `fence` says who holds it. `findings` names at most a thousand; `wrong`
    counts all.
    """

    state = models.CharField(max_length=10, choices=choices(State), default=State.ASKED.value)
    asked_at = models.DateTimeField()
    asked_by = models.CharField(max_length=150)
    claimed_until = models.DateTimeField(null=True, blank=True)
    fence = models.PositiveIntegerField(default=0)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    seals = models.PositiveBigIntegerField(default=0)
    events = models.PositiveBigIntegerField(default=0)
    forgotten = models.PositiveBigIntegerField(default=0)
    waiting = models.PositiveBigIntegerField(default=0)
    wrong = models.PositiveBigIntegerField(default=0)
    findings = models.JSONField(default=list, blank=True)
    heads = models.JSONField(default=list, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                models.Value(1), condition=Q(state__in=["asked", "running"]), name="verification_one_at_a_time"
            )
        ]

    def __str__(self) -> str:
        return f"verification {self.pk}: {self.state}"
