from __future__ import annotations

from django.db import models
from django.db.models import Q

from core.choices import choices
from improvement.domain.feedback import Aspect, Kind, State


class Survey(models.Model):
    """A link that users may answer by, from 1 to 5 and in words. Its token is kept hashed and was shown once."""

    name = models.CharField(max_length=120)
    environment = models.ForeignKey("core.Environment", on_delete=models.CASCADE, related_name="surveys")
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=150)
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        permissions = [("open_survey", "Can open and end surveys")]

    def __str__(self) -> str:
        return self.name


class Feedback(models.Model):
    """What somebody thinks of the deployment, and what became of it.

    `given_by` is a person, a program or `a user`; `key` is the caller's own, unique in the environment.
    """

    kind = models.CharField(max_length=12, choices=choices(Kind))
    aspect = models.CharField(max_length=24, choices=choices(Aspect), blank=True)
    text = models.TextField(blank=True)
    rating = models.PositiveSmallIntegerField(null=True, blank=True)
    flag_key = models.CharField(max_length=100, blank=True)
    environment = models.ForeignKey("core.Environment", on_delete=models.CASCADE, related_name="feedback")
    survey = models.ForeignKey(
        "improvement.Survey", null=True, blank=True, on_delete=models.SET_NULL, related_name="answers"
    )
    key = models.CharField(max_length=100, blank=True)
    at = models.DateTimeField()
    given_by = models.CharField(max_length=150)
    state = models.CharField(max_length=10, choices=choices(State), default=State.NEW.value)
    duplicate_of = models.ForeignKey("self", null=True, blank=True, on_delete=models.CASCADE, related_name="duplicates")
    tags = models.JSONField(default=list, blank=True)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        ordering = ["-at", "-id"]
        verbose_name_plural = "feedback"
        permissions = [
            ("give_feedback", "Can give feedback"),
            ("triage_feedback", "Can say what becomes of feedback"),
        ]
        indexes = [
            models.Index(fields=["environment", "-at"], name="feedback_by_time"),
            models.Index(fields=["at"], condition=Q(rating__isnull=False), name="feedback_rated"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["environment", "key"], condition=~Q(key=""), name="feedback_once"),
            models.CheckConstraint(condition=Q(rating=None) | Q(rating__gte=1, rating__lte=5), name="feedback_of_five"),
            models.CheckConstraint(
                condition=~Q(state="duplicate") | Q(duplicate_of__isnull=False), name="feedback_duplicate_of_one"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} feedback {self.pk}"
