from __future__ import annotations

from django.db import models
from django.db.models import F, Q


class Hold(models.Model):
    """Events that must not be forgotten, whatever the retention says, until an administrator releases them.

    Held are the events that fit all of what is given: the subject, the environment, from when, until when. In force:
    `released_at` is empty.
    """

    title = models.CharField(max_length=120)
    reason = models.TextField()
    subject = models.CharField(max_length=160, blank=True)
    environment = models.ForeignKey(
        "core.Environment", null=True, blank=True, on_delete=models.PROTECT, related_name="holds"
    )
    since = models.DateTimeField(null=True, blank=True)
    until = models.DateTimeField(null=True, blank=True)
    held_at = models.DateTimeField()
    held_by = models.CharField(max_length=150)
    released_at = models.DateTimeField(null=True, blank=True)
    released_by = models.CharField(max_length=150, blank=True)
    release_reason = models.TextField(blank=True)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        ordering = ["-id"]
        verbose_name = "legal hold"
        permissions = [("manage_hold", "Can hold events and release them")]
        constraints = [
            models.CheckConstraint(
                condition=Q(since=None) | Q(until=None) | Q(since__lt=F("until")), name="hold_ends_after_it_begins"
            )
        ]

    def __str__(self) -> str:
        return self.title
