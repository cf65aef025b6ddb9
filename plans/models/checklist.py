from __future__ import annotations

from django.db import models

from core.choices import choices
from plans.domain.command import USUAL
from plans.domain.states import ChecklistKind, ItemState, Priority


class Checklist(models.Model):
    """A list of things to do or to find out. `after` is the key of the one whose end opens it; then `opens_at` and
    `due_at` are set. `completed_at` is when its last item was passed or skipped; empty while one is open.
    """

    plan = models.ForeignKey("plans.Plan", on_delete=models.CASCADE, related_name="checklists")
    phase = models.ForeignKey("plans.Phase", on_delete=models.CASCADE, null=True, related_name="checklists")
    key = models.CharField(max_length=80)
    position = models.PositiveSmallIntegerField()
    title = models.CharField(max_length=160)
    kind = models.CharField(max_length=12, choices=choices(ChecklistKind))
    ordered = models.BooleanField(default=False)
    after = models.CharField(max_length=80, blank=True)
    opens_hours = models.PositiveIntegerField(default=0)
    due_hours = models.PositiveIntegerField(default=0)
    opens_at = models.DateTimeField(null=True, blank=True)
    due_at = models.DateTimeField(null=True, blank=True)
    completed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["plan", "key"], name="checklist_once")]

    def __str__(self) -> str:
        return self.title


class Item(models.Model):
    """One item. With a `check` a machine says how it is (`why`, `evidence`, `measured_at`), otherwise a person.

    `due_at` is its own time; empty: that of its list. It is told once when that is over (`overdue_told_at`).
    """

    checklist = models.ForeignKey("plans.Checklist", on_delete=models.CASCADE, related_name="items")
    position = models.PositiveSmallIntegerField()
    text = models.CharField(max_length=300)
    check_of = models.JSONField(default=dict, blank=True, help_text="What is measured; empty: a person says.")
    command = models.CharField(max_length=500, blank=True)
    runs_here = models.BooleanField(default=False, help_text="The command may be run by the runner.")
    timeout = models.PositiveIntegerField(default=USUAL, help_text="Of the command, in seconds.")
    link = models.URLField(max_length=500, blank=True)
    owner = models.CharField(max_length=120, blank=True)
    assignee = models.CharField(max_length=150, blank=True)
    due_at = models.DateTimeField(null=True, blank=True)
    overdue_told_at = models.DateTimeField(null=True, blank=True)
    priority = models.CharField(max_length=6, choices=choices(Priority), default=Priority.MEDIUM.value)
    state = models.CharField(max_length=8, choices=choices(ItemState), default=ItemState.PENDING.value)
    why = models.TextField(blank=True)
    evidence = models.JSONField(default=dict, blank=True)
    since = models.DateTimeField(null=True, blank=True, help_text="Since when it is as it is.")
    by = models.CharField(max_length=150, blank=True)
    measured_at = models.DateTimeField(null=True, blank=True)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["checklist", "position"], name="item_in_order")]

    def __str__(self) -> str:
        return self.text


class Attachment(models.Model):
    """A file that shows how an item is: a picture, a log, a report. Kept as it came, given out as a download."""

    item = models.ForeignKey("plans.Item", on_delete=models.CASCADE, related_name="attachments")
    name = models.CharField(max_length=120)
    size = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    content = models.BinaryField()
    by = models.CharField(max_length=150)
    at = models.DateTimeField()

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.name
