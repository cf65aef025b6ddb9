from __future__ import annotations

from django.db import models
from django.db.models import Q

from communications.domain.outgoing import Act
from communications.domain.states import AnnouncementState
from core.choices import choices

OPEN = (AnnouncementState.HELD.value, AnnouncementState.QUEUED.value)


class Announcement(models.Model):
    """One message to one recipient of an audience by one channel. The row is the queue.

    A sender takes a queued one whose `due_at` has come by moving `claimed_until` and adding one to `fence`; only the
    holder of the newest fence may write the outcome. `occasion` is what it is made for (`alert:12`), so that nothing is
    made twice. `group` tells what comes and goes, `thread` what belongs together and is told in its order. `why` says
    what it waits for, or why it was left out.
    """

    alert = models.ForeignKey("communications.Alert", null=True, on_delete=models.CASCADE, related_name="announcements")
    audience = models.CharField(max_length=40, blank=True, help_text="Its key; empty: people who are called by name.")
    channel = models.ForeignKey("communications.Channel", on_delete=models.PROTECT, related_name="announcements")
    recipient = models.CharField(max_length=254, blank=True)
    occasion = models.CharField(max_length=80)
    group = models.CharField(max_length=200, blank=True)
    thread = models.CharField(max_length=200, blank=True)
    act = models.CharField(max_length=12, choices=choices(Act), default=Act.NOTE.value)
    state = models.CharField(max_length=10, choices=choices(AnnouncementState), default=AnnouncementState.QUEUED.value)
    merged_into = models.ForeignKey("self", null=True, on_delete=models.SET_NULL, related_name="parts")
    subject = models.CharField(max_length=1100)
    text = models.TextField()
    html = models.TextField(blank=True)
    flaw = models.TextField(blank=True, help_text="What was wrong with the wording, so that the default was sent.")
    why = models.CharField(max_length=300, blank=True)
    made_at = models.DateTimeField()
    due_at = models.DateTimeField()
    claimed_until = models.DateTimeField(null=True, blank=True)
    fence = models.PositiveIntegerField(default=0)
    tries = models.PositiveSmallIntegerField(default=0)
    sent_at = models.DateTimeField(null=True, blank=True)
    failed_at = models.DateTimeField(null=True, blank=True)
    error = models.TextField(blank=True)
    reference = models.CharField(max_length=200, blank=True)
    components = models.JSONField(
        null=True, blank=True, help_text="Of the status page, as the approver chose; none: as the incident says."
    )
    decided_by = models.CharField(max_length=150, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        permissions = [
            ("retry_announcement", "Can try an announcement again that was given up"),
            ("approve_announcement", "Can approve, edit and discard drafts"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["occasion", "audience", "channel", "recipient"], name="announcement_once_for_an_occasion"
            ),
            models.CheckConstraint(
                condition=Q(state=AnnouncementState.SENT.value, sent_at__isnull=False)
                | (~Q(state=AnnouncementState.SENT.value) & Q(sent_at__isnull=True)),
                name="announcement_sent_has_its_time",
            ),
        ]
        indexes = [
            models.Index(fields=["channel", "due_at"], condition=Q(state__in=OPEN), name="announcement_open"),
            models.Index(fields=["channel", "recipient", "thread", "id"], name="announcement_thread"),
            models.Index(fields=["audience", "channel", "recipient", "-made_at"], name="announcement_lately"),
            models.Index(fields=["state", "-id"], name="announcement_by_state"),
        ]

    def __str__(self) -> str:
        return self.subject


class Delivery(models.Model):
    """One try; its number is the fence that its sender held. `ended_at` is empty when the sender died in it."""

    announcement = models.ForeignKey("communications.Announcement", on_delete=models.CASCADE, related_name="deliveries")
    number = models.PositiveSmallIntegerField()
    begun_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    taken = models.BooleanField(default=False)
    answer = models.CharField(max_length=300, blank=True)
    error = models.CharField(max_length=300, blank=True)
    permanent = models.BooleanField(default=False)

    class Meta:
        ordering = ["number"]
        verbose_name_plural = "deliveries"
        constraints = [models.UniqueConstraint(fields=["announcement", "number"], name="delivery_counted_once")]

    def __str__(self) -> str:
        return f"try {self.number} of {self.announcement_id}"
