from __future__ import annotations

from django.db import models

from core.choices import choices
from rollouts.domain.states import LIVE, MonitoringLevel, RampState


class Ramp(models.Model):
    """A flag being raised step by step in one environment; its steps are its own frozen copy.

    planned: has a start time that has not come. running: the clock takes the next step when it may.
    held: waits for a person, `hold_reason` says why. completed: the last step is taken. rolled_back:
    ended by a person or a rollback; a new ramp starts over.
    `position` is the number of the last step taken, 0 before the first.
    """

    template_key = models.SlugField(max_length=60)
    name = models.CharField(max_length=120)
    flag = models.ForeignKey("flags.Flag", on_delete=models.PROTECT, related_name="ramps")
    environment = models.ForeignKey("core.Environment", on_delete=models.PROTECT, related_name="ramps")
    state = models.CharField(max_length=12, choices=choices(RampState), default=RampState.PLANNED.value)
    position = models.PositiveSmallIntegerField(default=0)
    version = models.PositiveIntegerField(default=1)
    starts_at = models.DateTimeField()
    started_by = models.CharField(max_length=150)
    hold_reason = models.TextField(blank=True)
    held_at = models.DateTimeField(null=True, blank=True)
    waiting_for = models.TextField(
        blank=True, help_text="Why the clock did not take the next step when it last looked."
    )
    ended_at = models.DateTimeField(null=True, blank=True)
    followed_event = models.BigIntegerField(
        default=0, help_text="Flag events up to this id have been taken into account."
    )

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["flag", "environment"],
                condition=models.Q(state__in=[state.value for state in LIVE]),
                name="ramp_one_live_per_flag",
            )
        ]
        permissions = [("operate_ramp", "Can start, hold, resume, skip and advance a ramp")]

    def __str__(self) -> str:
        return f"{self.name} in {self.environment}"


class RampStep(models.Model):
    """One step: due at a time, taken when due, soaked and passing. `soak` is seconds of PASS before it."""

    ramp = models.ForeignKey("rollouts.Ramp", on_delete=models.CASCADE, related_name="steps")
    position = models.PositiveSmallIntegerField()
    label = models.CharField(max_length=40)
    due_at = models.DateTimeField()
    percentage = models.DecimalField(max_digits=5, decimal_places=2)
    allow_list_only = models.BooleanField(default=False)
    parameters = models.JSONField(default=dict, blank=True)
    monitoring = models.CharField(max_length=10, choices=choices(MonitoringLevel))
    soak = models.PositiveIntegerField()
    taken_at = models.DateTimeField(null=True, blank=True)
    taken_by = models.CharField(max_length=150, blank=True)
    skipped_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["ramp", "position"], name="ramp_step_once")]

    def __str__(self) -> str:
        return f"{self.label}: {self.percentage} %"
