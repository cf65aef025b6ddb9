from __future__ import annotations

from django.db import models


class Review(models.Model):
    """An administrator looked at who may do what and answers for it. `digest` is of what was shown."""

    at = models.DateTimeField()
    by = models.CharField(max_length=150)
    note = models.TextField()
    people = models.PositiveIntegerField()
    tokens = models.PositiveIntegerField()
    dormant = models.PositiveIntegerField()
    digest = models.CharField(max_length=64)
    due_on = models.DateField(help_text="When somebody has to look again.")

    class Meta:
        ordering = ["-id"]
        default_permissions = ()
        permissions = [("review_access", "Can review who may do what, and sign it off")]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d} by {self.by}"
