from __future__ import annotations

from django.db import models

from core.choices import choices
from monitoring.domain.complaints import Category


class Complaint(models.Model):
    """A user who complains (seed: userComplaintThreshold). The trigger counts distinct npubs, not complaints.

    `key` is the caller's own, so that the same complaint sent twice is kept once; empty for the form.
    """

    environment = models.ForeignKey("core.Environment", on_delete=models.CASCADE, related_name="complaints")
    category = models.CharField(max_length=20, choices=choices(Category))
    npub = models.CharField(max_length=200)
    text = models.TextField(blank=True)
    flag_key = models.CharField(max_length=100, blank=True, help_text="The feature it is about, where that is known.")
    key = models.CharField(max_length=100, blank=True)
    at = models.DateTimeField()
    received_at = models.DateTimeField()
    received_by = models.CharField(max_length=150)

    class Meta:
        ordering = ["-at", "-id"]
        indexes = [models.Index(fields=["environment", "at"], name="complaint_by_time")]
        constraints = [
            models.UniqueConstraint(fields=["environment", "key"], condition=~models.Q(key=""), name="complaint_once")
        ]

    def __str__(self) -> str:
        return f"{self.category} {self.npub}"
