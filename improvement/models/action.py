from __future__ import annotations

from django.db import models
from django.db.models import Q

from core.choices import choices
from improvement.domain.actions import ActionState


class ActionItem(models.Model):
    """What somebody does about what was learnt.

    `origin` is what it came from and `changes` what it changed, as subjects of events (`feedback:12`, `flag:…`).
    `key` makes a machine's item once. `told_due` is the due date of which the owner was told that it has passed.
    """

    title = models.CharField(max_length=200)
    text = models.TextField(blank=True)
    owner = models.CharField(max_length=150)
    due = models.DateField()
    state = models.CharField(max_length=8, choices=choices(ActionState), default=ActionState.OPEN.value)
    origin = models.CharField(max_length=140, blank=True)
    changes = models.CharField(max_length=140, blank=True)
    key = models.CharField(max_length=140, unique=True, null=True, blank=True)
    opened_at = models.DateTimeField()
    opened_by = models.CharField(max_length=150)
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.CharField(max_length=150, blank=True)
    outcome = models.TextField(blank=True, help_text="What was done, or why it was dropped.")
    told_due = models.DateField(null=True, blank=True)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        ordering = ["due", "id"]
        permissions = [("work_on_actionitem", "Can open, change and close action items")]
        indexes = [
            models.Index(fields=["due"], condition=Q(state="open"), name="action_open_by_due"),
            models.Index(fields=["origin"], name="action_of_origin"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(state="open", closed_at=None) | (~Q(state="open") & Q(closed_at__isnull=False)),
                name="action_closed_when_not_open",
            )
        ]

    def __str__(self) -> str:
        return self.title
