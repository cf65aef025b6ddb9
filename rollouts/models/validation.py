from __future__ import annotations

from django.db import models

from core.actors import ActorKind
from core.choices import choices


class ValidationRun(models.Model):
    """One run of `validateDeployment` in one environment (seed: Automated Validation).

    `results` holds for each of the six checks: success (null where there was nothing to look at), what was looked at,
    the evidence, and what to do.
    It waits while `lease` is empty. `success` is null until it is done, and stays null when the process that ran it was
    lost.
    """

    environment = models.ForeignKey("core.Environment", on_delete=models.CASCADE, related_name="validations")
    started_at = models.DateTimeField()
    started_by = models.CharField(max_length=150)
    started_by_kind = models.CharField(max_length=10, choices=choices(ActorKind))
    finished_at = models.DateTimeField(null=True, blank=True)
    success = models.BooleanField(null=True)
    results = models.JSONField(default=dict)
    lease = models.CharField(max_length=40)
    lease_until = models.DateTimeField()

    class Meta:
        ordering = ["-started_at", "-id"]
        verbose_name = "validation"
        permissions = [("run_validation", "Can run a validation")]
        constraints = [
            models.UniqueConstraint(
                fields=["environment"], condition=models.Q(finished_at=None), name="validation_runs_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.environment} {self.started_at:%Y-%m-%d %H:%M}"
