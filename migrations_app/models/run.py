from __future__ import annotations

from django.db import models

from core.actors import ActorKind
from core.choices import choices
from migrations_app.domain.migration import PhaseName
from migrations_app.domain.states import UNDER_WAY, Direction, LogStatus, RunState, Traffic, Wish


class MigrationRun(models.Model):
    """One run of a migration over the database of one environment, or what takes such a run back (`of`).

    `plan` is what was counted and promised when it was asked for; `digest` covers it, the code of the migration and
    the database it is for, and an approval is for one digest only. `contributors` asked for it; none of them may
    approve it. `fence` is that of the worker that has it: only who holds the newest may write here. How far it is, is
    told by MongoDB, where its journal is too; `progress` is the picture of it for people.
    """

    uid = models.CharField(max_length=40, unique=True)
    environment = models.ForeignKey("core.Environment", on_delete=models.PROTECT, related_name="migration_runs")
    number = models.CharField(max_length=3)
    name = models.CharField(max_length=100)
    direction = models.CharField(max_length=4, choices=choices(Direction), default=Direction.UP.value)
    of = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="undone_by")
    phases = models.JSONField(default=list)
    checksum = models.CharField(max_length=80)
    canary = models.PositiveSmallIntegerField(default=0, help_text="Percent that is done before it waits; 0: none.")
    traffic = models.CharField(max_length=8, choices=choices(Traffic), default=Traffic.LIVE.value)
    state = models.CharField(max_length=16, choices=choices(RunState), default=RunState.REQUESTED.value)
    wish = models.CharField(max_length=8, choices=choices(Wish), default="", blank=True)
    wished_by = models.CharField(max_length=150, blank=True)
    speed = models.PositiveSmallIntegerField(default=100, help_text="Percent of the time in which it works.")
    reason = models.TextField()
    plan = models.JSONField(default=dict)
    digest = models.CharField(max_length=64)
    contributors = models.JSONField(default=list)
    requested_by = models.CharField(max_length=150)
    requested_by_kind = models.CharField(max_length=10, choices=choices(ActorKind))
    requested_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    approved_by = models.CharField(max_length=150, blank=True)
    approved_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.CharField(max_length=150, blank=True)
    closed_reason = models.TextField(blank=True)
    fence = models.PositiveBigIntegerField(default=0)
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    progress = models.JSONField(default=dict)
    before = models.JSONField(default=dict, help_text="What the pre-validation found.")
    after = models.JSONField(default=dict, help_text="What the post-validation found.")
    result = models.JSONField(default=dict)
    error = models.TextField(blank=True)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        ordering = ["-id"]
        permissions = [
            ("request_migration", "Can ask for runs of migrations, and pause, resume and abort them"),
            ("approve_migration", "Can approve and refuse runs of migrations that others ask for, and waive checks"),
        ]
        indexes = [
            models.Index(fields=["state", "id"], name="migration_run_by_state"),
            models.Index(fields=["environment", "number", "state"], name="migration_run_by_number"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["environment"],
                condition=models.Q(state__in=sorted(state.value for state in UNDER_WAY)),
                name="migration_run_one_under_way",
            ),
            models.CheckConstraint(
                condition=models.Q(direction=Direction.DOWN.value, of__isnull=False)
                | models.Q(direction=Direction.UP.value, of__isnull=True),
                name="migration_run_down_of_one",
            ),
        ]

    def __str__(self) -> str:
        return self.uid

    @property
    def title(self) -> str:
        what = f"{self.number} {self.name.replace('_', ' ')}"
        return what if self.direction == Direction.UP else f"Take back {what}"


class MigrationLog(models.Model):
    """One phase of one run (seed: MigrationLog). `duration` in milliseconds."""

    run = models.ForeignKey(MigrationRun, on_delete=models.PROTECT, related_name="logs")
    migration_id = models.CharField(max_length=40)
    phase = models.CharField(max_length=8, choices=choices(PhaseName))
    status = models.CharField(max_length=16, choices=choices(LogStatus), default=LogStatus.STARTED.value)
    start_time = models.DateTimeField()
    end_time = models.DateTimeField(null=True, blank=True)
    duration = models.PositiveBigIntegerField(null=True, blank=True)
    result = models.JSONField(default=dict)
    error = models.TextField(blank=True)
    rollback_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["run", "phase"], name="migration_log_once")]

    def __str__(self) -> str:
        return f"{self.migration_id} {self.phase}: {self.status}"
