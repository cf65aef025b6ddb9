from __future__ import annotations

from django.db import models


class Notification(models.Model):
    """What is shown inside: to a person in the bell of the admin, or (person is empty) to all users of nctool."""

    announcement = models.OneToOneField(
        "communications.Announcement", on_delete=models.CASCADE, related_name="notification"
    )
    person = models.CharField(max_length=150, blank=True)
    environment = models.ForeignKey("core.Environment", null=True, on_delete=models.PROTECT, related_name="+")
    subject = models.CharField(max_length=300)
    text = models.TextField()
    severity = models.CharField(max_length=10)
    link = models.CharField(max_length=300, blank=True)
    at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["person", "environment", "-id"], name="notification_of_person")]

    def __str__(self) -> str:
        return self.subject


class Reading(models.Model):
    """Somebody has read it: a person's name, or an npub."""

    notification = models.ForeignKey("communications.Notification", on_delete=models.CASCADE, related_name="readings")
    reader = models.CharField(max_length=150)
    at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["notification", "reader"], name="reading_once")]

    def __str__(self) -> str:
        return f"{self.reader} read {self.notification_id}"
