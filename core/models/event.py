from __future__ import annotations

from django.db import models

from core.actors import ActorKind
from core.choices import choices


class Event(models.Model):
    """One change: who, what, before, after, why, when. Written once, never edited or deleted.

    It is the audit log, the outbox (a follower looks for events without its child row) and the source
    of reports. `subject` is `<noun>:<key>`, for example `flag:atomicMeltOperations`.
    """

    at = models.DateTimeField()
    kind = models.CharField(max_length=60)
    subject = models.CharField(max_length=160)
    environment = models.ForeignKey(
        "core.Environment", null=True, blank=True, on_delete=models.PROTECT, related_name="events"
    )
    actor = models.CharField(max_length=150)
    actor_kind = models.CharField(max_length=10, choices=choices(ActorKind))
    reason = models.TextField(blank=True)
    before = models.JSONField(default=dict, blank=True)
    after = models.JSONField(default=dict, blank=True)
    data = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["subject", "environment", "-id"], name="event_of_subject"),
            models.Index(fields=["kind", "-id"], name="event_of_kind"),
            models.Index(fields=["actor", "-id"], name="event_of_actor"),
            models.Index(fields=["environment", "-id"], name="event_here"),
            models.Index(fields=["-at", "-id"], name="event_by_time"),
            models.Index(fields=["environment", "-at", "-id"], name="event_here_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}"
