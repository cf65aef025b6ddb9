from __future__ import annotations

from django.db import models

from core.actors import ActorKind
from core.choices import choices
from risk.domain.levels import Level
from rollbacks.domain.states import UNDER_WAY, Component, RollbackState, StepKind, StepState


class Rollback(models.Model):
    """What somebody wants taken back in one environment: the plan, whose word it has, and how far it is.

    `public_id` (`rb-…`) is also the rollback id of every flag that it switches off. `plan` is what will be done,
    exactly; `digest` covers it and what it is for, and a confirmation is for one digest only. `contributors` asked for
    it; none of them may confirm it, but in an `emergency`. `replanned` says why it was planned anew, last time.
    """

    public_id = models.CharField(max_length=40, unique=True)
    environment = models.ForeignKey("core.Environment", on_delete=models.PROTECT, related_name="rollbacks")
    component = models.CharField(max_length=12, choices=choices(Component))
    flag = models.ForeignKey("flags.Flag", null=True, blank=True, on_delete=models.PROTECT, related_name="rollbacks")
    chosen = models.JSONField(default=dict, blank=True, help_text="The revision that was chosen; empty: the proposed.")
    reason = models.TextField()
    evidence = models.JSONField(default=dict, help_text="What was seen: told by a person, and what fired here then.")
    state = models.CharField(max_length=10, choices=choices(RollbackState), default=RollbackState.REQUESTED.value)
    plan = models.JSONField()
    digest = models.CharField(max_length=64)
    replanned = models.TextField(blank=True)
    risk = models.CharField(max_length=8, choices=choices(Level))
    risk_reasons = models.JSONField(default=list)
    estimate = models.PositiveIntegerField(help_text="Seconds.")
    contributors = models.JSONField(default=list)
    requested_by = models.CharField(max_length=150)
    requested_by_kind = models.CharField(max_length=10, choices=choices(ActorKind))
    requested_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    confirmed_by = models.CharField(max_length=150, blank=True)
    confirmed_at = models.DateTimeField(null=True, blank=True)
    emergency = models.BooleanField(default=False, help_text="Confirmed by one person alone, with the password again.")
    closed_by = models.CharField(max_length=150, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_reason = models.TextField(blank=True)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        ordering = ["-id"]
        permissions = [
            ("request_rollback", "Can ask for rollbacks, and go on with one that has stopped"),
            ("confirm_rollback", "Can confirm and refuse rollbacks that others ask for"),
        ]
        indexes = [models.Index(fields=["state", "environment"], name="rollback_by_state")]
        constraints = [
            models.UniqueConstraint(
                fields=["environment"],
                condition=models.Q(state__in=sorted(state.value for state in UNDER_WAY)),
                name="rollback_one_under_way",
            ),
            models.CheckConstraint(
                condition=models.Q(component=Component.FEATURE.value, flag__isnull=False)
                | (~models.Q(component=Component.FEATURE.value) & models.Q(flag__isnull=True)),
                name="rollback_flag_of_feature_alone",
            ),
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def title(self) -> str:
        """What is rolled back, in a word."""
        if self.flag is not None:
            return self.flag.key
        return "Everything" if self.component == Component.ALL else self.component.capitalize()


class RollbackStep(models.Model):
    """One step of a confirmed rollback; the rows are the queue.

    A worker takes it by adding one to `fence` and moving `lease_until`; only the holder of the newest fence may write
    what came of it. `journal` is what has to be known after a crash, written before something is done.
    """

    rollback = models.ForeignKey("rollbacks.Rollback", on_delete=models.CASCADE, related_name="steps")
    position = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=12, choices=choices(StepKind))
    what = models.JSONField(default=dict)
    lines = models.JSONField(default=list)
    state = models.CharField(max_length=8, choices=choices(StepState), default=StepState.PENDING.value)
    lease_until = models.DateTimeField(null=True, blank=True)
    fence = models.PositiveIntegerField(default=0)
    tries = models.PositiveSmallIntegerField(default=0)
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    journal = models.JSONField(default=dict)
    output = models.TextField(blank=True)
    error = models.TextField(blank=True)

    class Meta:
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["rollback", "position"], name="rollback_step_once")]

    def __str__(self) -> str:
        return f"{self.rollback} step {self.position + 1}: {self.kind}"
