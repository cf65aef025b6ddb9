from __future__ import annotations

from decimal import Decimal

from django.db import models

from core.choices import choices
from rollouts.domain.states import LIVE, MonitoringLevel, RampState


class Ramp(models.Model):
    """A flag being raised step by step in one environment; its steps are its own frozen copy.

    planned: its first step has not been taken and its start time had not come when it was started.
    running: the clock takes the next step when it may. held: waits for a person, `hold_reason` says why.
    completed: no step is left; live again when its last step is given back. rolled_back: ended by a person; a new ramp
    starts over.
    `position` counts the steps taken or skipped. `base_*` is the flag as the ramp found it;
    `soaking_since` is when the flag came to stand where it stands now.
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
    request = models.PositiveBigIntegerField(
        null=True, blank=True, help_text="The change request that approved it as a whole; empty: nobody was asked."
    )
    base_enabled = models.BooleanField(default=False)
    base_percentage = models.DecimalField(max_digits=5, decimal_places=2, default=Decimal(0))
    soaking_since = models.DateTimeField()
    levels = models.JSONField(default=dict, blank=True, help_text="What its monitoring levels ask for.")
    hours = models.JSONField(default=dict, blank=True, help_text="When steps may be taken; empty: any time.")
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
    """One step, once: open, then taken or skipped. `soak` is the seconds of PASS that must come before it.

    `gap` is the planned seconds since the step before; a step that comes late moves the `due_at` of those after, which
    lies in the ramp's hours.
    `before` is the flag as the step found it when it was taken: enabled, percentage, parameters.
    `parameters` is a patch: it holds from this step on, so the next step that is taken also applies the
    patches of steps skipped before it.
    """

    ramp = models.ForeignKey("rollouts.Ramp", on_delete=models.CASCADE, related_name="steps")
    position = models.PositiveSmallIntegerField()
    label = models.CharField(max_length=40)
    due_at = models.DateTimeField()
    gap = models.PositiveIntegerField(default=0)
    percentage = models.DecimalField(max_digits=5, decimal_places=2)
    allow_list_only = models.BooleanField(default=False)
    parameters = models.JSONField(default=dict, blank=True)
    monitoring = models.CharField(max_length=12, choices=choices(MonitoringLevel))
    soak = models.PositiveIntegerField()
    before = models.JSONField(null=True, blank=True)
    taken_at = models.DateTimeField(null=True, blank=True)
    taken_by = models.CharField(max_length=150, blank=True)
    skipped_at = models.DateTimeField(null=True, blank=True)
    skipped_by = models.CharField(max_length=150, blank=True)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["ramp", "position"], name="ramp_step_once"),
            models.CheckConstraint(
                condition=models.Q(percentage__gte=0, percentage__lte=100), name="ramp_step_percentage_0_to_100"
            ),
            models.CheckConstraint(
                condition=models.Q(taken_at__isnull=True) | models.Q(skipped_at__isnull=True),
                name="ramp_step_taken_or_skipped",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.label}: {self.percentage} %"
