from __future__ import annotations

from django.db import models

from core.choices import choices
from plans.domain.states import LIVE, PhaseState, PlanState


class PlanTemplate(models.Model):
    """The plan of a playbook, for any environment. `document` is as the playbook has it (`PlanSpec.read`)."""

    key = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=120)
    document = models.JSONField()

    class Meta:
        ordering = ["key"]

    def __str__(self) -> str:
        return self.name


class Plan(models.Model):
    """A rollout that runs in one environment, by a copy of its own of the playbook's plan."""

    environment = models.ForeignKey("core.Environment", on_delete=models.PROTECT, related_name="plans")
    key = models.SlugField(max_length=60)
    name = models.CharField(max_length=120)
    state = models.CharField(max_length=12, choices=choices(PlanState), default=PlanState.RUNNING.value)
    version = models.PositiveIntegerField(default=1)
    started_at = models.DateTimeField()
    started_by = models.CharField(max_length=150)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        permissions = [
            ("operate_plan", "Can start and steer plans and phases"),
            ("tick_item", "Can tick the items of checklists"),
            ("approve_phase", "Can approve phases and waive their requirements"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["environment"],
                condition=models.Q(state__in=[state.value for state in LIVE]),
                name="plan_one_live_per_environment",
            )
        ]

    def __str__(self) -> str:
        return f"{self.name} in {self.environment}"


class Phase(models.Model):
    """One part of a plan. `needs` is what must be true before it starts (`gate.Needs`); ramps, triggers and features
    are keys.

    An approval is for one start: `approved_by` is emptied when the phase is rolled back.
    """

    plan = models.ForeignKey("plans.Plan", on_delete=models.CASCADE, related_name="phases")
    key = models.SlugField(max_length=40)
    position = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=120)
    first_week = models.PositiveSmallIntegerField()
    last_week = models.PositiveSmallIntegerField()
    objectives = models.JSONField(default=list)
    ramps = models.JSONField(default=list)
    triggers = models.JSONField(default=list)
    features = models.JSONField(default=list)
    needs = models.JSONField(default=dict)
    state = models.CharField(max_length=12, choices=choices(PhaseState), default=PhaseState.WAITING.value)
    version = models.PositiveIntegerField(default=1)
    started_at = models.DateTimeField(null=True, blank=True)
    started_by = models.CharField(max_length=150, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    approved_by = models.CharField(max_length=150, blank=True)
    approved_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["plan", "key"], name="phase_once"),
            models.UniqueConstraint(fields=["plan", "position"], name="phase_in_order"),
        ]

    def __str__(self) -> str:
        return self.name


class Waiver(models.Model):
    """An approver lets a phase pass although one requirement of its gate is not met, until a time."""

    phase = models.ForeignKey("plans.Phase", on_delete=models.CASCADE, related_name="waivers")
    requirement = models.CharField(max_length=120)
    reason = models.TextField()
    by = models.CharField(max_length=150)
    at = models.DateTimeField()
    expires_at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.requirement} of {self.phase}"
