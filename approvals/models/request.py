from __future__ import annotations

from django.db import models

from approvals.domain.states import RequestState
from core.actors import ActorKind
from core.choices import choices


class ChangeRequest(models.Model):
    """Changes of flags in one environment that wait for other people's word; applied all or none.

    `changes` are what to do (`core.asking.Change` as JSON). `base` tells of every flag they touch how it stood
    when they were laid down, `effects` what they would do to it, before and after. `digest` covers changes, base
    and time: an approval counts only while its own digest is the same, so any edit, any change underneath and
    any new time voids it. `contributors` laid hands on it; none of them may approve it.
    """

    environment = models.ForeignKey("core.Environment", on_delete=models.PROTECT, related_name="change_requests")
    flags = models.ManyToManyField("flags.Flag", related_name="change_requests")
    title = models.CharField(max_length=200)
    reason = models.TextField()
    state = models.CharField(max_length=10, choices=choices(RequestState), default=RequestState.OPEN.value)
    changes = models.JSONField()
    base = models.JSONField()
    effects = models.JSONField()
    rules = models.JSONField(default=list, help_text="Why it needs approval, in words.")
    digest = models.CharField(max_length=64)
    needed = models.PositiveSmallIntegerField(default=1, help_text="Approvals by different people, 1 to 3.")
    contributors = models.JSONField(default=list)
    requested_by = models.CharField(max_length=150)
    requested_by_kind = models.CharField(max_length=10, choices=choices(ActorKind))
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    apply_at = models.DateTimeField(null=True, blank=True)
    zone = models.CharField(max_length=60, blank=True, help_text="In which `apply_at` was set and is shown.")
    waiting_for = models.TextField(blank=True, help_text="Why the clock has not applied it yet.")
    voided_reason = models.TextField(blank=True, help_text="Why approvals were void, last time.")
    applied_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.CharField(max_length=150, blank=True)
    closed_reason = models.TextField(blank=True)
    reverts = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="reverted_by")
    version = models.PositiveIntegerField(default=1)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["state", "environment"], name="request_by_state")]
        constraints = [
            models.CheckConstraint(condition=models.Q(needed__gte=1, needed__lte=3), name="request_needs_1_to_3")
        ]
        permissions = [
            ("request_change", "Can ask for changes and apply approved ones"),
            ("approve_change", "Can approve and reject what others ask for"),
        ]

    def __str__(self) -> str:
        return f"request {self.pk}: {self.title}"


class Approval(models.Model):
    """One person's word for one digest."""

    request = models.ForeignKey("approvals.ChangeRequest", on_delete=models.CASCADE, related_name="approvals")
    approver = models.CharField(max_length=150)
    digest = models.CharField(max_length=64)
    at = models.DateTimeField()
    comment = models.TextField(blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["request", "approver", "digest"], name="approved_once")]

    def __str__(self) -> str:
        return f"{self.approver} for {self.request_id}"


class Comment(models.Model):
    """What somebody said about a request."""

    request = models.ForeignKey("approvals.ChangeRequest", on_delete=models.CASCADE, related_name="comments")
    author = models.CharField(max_length=150)
    at = models.DateTimeField()
    text = models.TextField()

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.author}: {self.text[:40]}"
