from __future__ import annotations

from django.db import models

from core.choices import choices
from oncall.domain.chain import LEVELS
from oncall.domain.running import EscalationState


class Escalation(models.Model):
    """One run through a chain about one subject, such as `incident:12`; the rows are the queue.

    `steps` is the chain as it was at the start: a chain that is changed changes no row here. `position`, `round` and
    `heard` are its place (oncall.domain.running), `due_at` is when it goes on; empty: it does not. Every change adds
    one to `version` under the condition that nobody else did, so each step is taken once. Live: `ended_at` is empty.
    """

    subject = models.CharField(max_length=160)
    title = models.CharField(max_length=200)
    level = models.PositiveSmallIntegerField()
    environment = models.ForeignKey(
        "core.Environment", null=True, blank=True, on_delete=models.PROTECT, related_name="escalations"
    )
    chain = models.CharField(max_length=40)
    chain_name = models.CharField(max_length=120)
    steps = models.JSONField()
    state = models.CharField(max_length=12, choices=choices(EscalationState), default=EscalationState.RUNNING.value)
    position = models.PositiveSmallIntegerField(default=0)
    round = models.PositiveSmallIntegerField(default=0)
    heard = models.BooleanField(null=True, blank=True)
    due_at = models.DateTimeField(null=True, blank=True)
    told_late = models.BooleanField(default=False)
    notifications = models.PositiveIntegerField(default=0)
    started_by = models.CharField(max_length=150)
    started_at = models.DateTimeField()
    reason = models.TextField(blank=True)
    acknowledged_by = models.CharField(max_length=150, blank=True)
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.CharField(max_length=150, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_reason = models.TextField(blank=True)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        ordering = ["-id"]
        permissions = [("operate_escalation", "Can call people, acknowledge and stop escalations")]
        indexes = [
            models.Index(
                fields=["due_at", "id"],
                condition=models.Q(due_at__isnull=False),
                name="escalation_due",
            ),
            models.Index(fields=["environment", "-id"], name="escalation_here"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["subject"], condition=models.Q(ended_at__isnull=True), name="escalation_one_live"
            ),
            models.CheckConstraint(
                condition=models.Q(level__gte=LEVELS.start, level__lt=LEVELS.stop), name="escalation_level_known"
            ),
            models.CheckConstraint(
                condition=models.Q(state=EscalationState.RUNNING.value, due_at__isnull=False)
                | (~models.Q(state=EscalationState.RUNNING.value) & models.Q(due_at__isnull=True)),
                name="escalation_due_while_running",
            ),
            models.CheckConstraint(
                condition=models.Q(state=EscalationState.STOPPED.value, ended_at__isnull=False)
                | (~models.Q(state=EscalationState.STOPPED.value) & models.Q(ended_at__isnull=True)),
                name="escalation_ended_when_stopped",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.title} ({self.subject})"
