from __future__ import annotations

from django.db import models

from core.actors import ActorKind
from core.choices import choices
from plans.domain.command import UNDER_WAY, CommandState


class CommandRun(models.Model):
    """The command of an item, run once by a runner; the row is the queue.

    A runner takes it by adding one to `fence`; only the holder of the newest fence writes what came of it. `onward`:
    when it ends well, the next item of the list is run too. `stop_by` is who wants it stopped.
    """

    item = models.ForeignKey("plans.Item", on_delete=models.CASCADE, related_name="runs")
    argv = models.JSONField()
    timeout = models.PositiveIntegerField(help_text="Seconds.")
    onward = models.BooleanField(default=False)
    state = models.CharField(max_length=10, choices=choices(CommandState), default=CommandState.WAITING.value)
    requested_by = models.CharField(max_length=150)
    requested_by_kind = models.CharField(max_length=10, choices=choices(ActorKind))
    requested_at = models.DateTimeField()
    reason = models.TextField(blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    stop_by = models.CharField(max_length=150, blank=True)
    code = models.IntegerField(null=True, blank=True)
    why = models.TextField(blank=True)
    output = models.TextField(blank=True)
    fence = models.PositiveIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-pk"]
        verbose_name = "command"
        permissions = [("run_command", "Can run the commands of activities")]
        constraints = [
            models.UniqueConstraint(
                fields=["item"],
                condition=models.Q(state__in=[state.value for state in UNDER_WAY]),
                name="command_runs_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.item}: {self.state}"
