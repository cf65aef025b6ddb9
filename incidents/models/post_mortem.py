from __future__ import annotations

from django.db import models


class PostMortem(models.Model):
    """What is learnt from an incident: Markdown, begun from its timeline. Its earlier versions are in the events."""

    incident = models.OneToOneField("incidents.Incident", on_delete=models.CASCADE, related_name="post_mortem")
    text = models.TextField()
    started_at = models.DateTimeField()
    started_by = models.CharField(max_length=150)
    changed_at = models.DateTimeField()
    changed_by = models.CharField(max_length=150)
    version = models.PositiveIntegerField(default=1)

    def __str__(self) -> str:
        return f"Post-mortem of {self.incident}"


class FollowUp(models.Model):
    """What somebody does so that it does not happen again."""

    incident = models.ForeignKey("incidents.Incident", on_delete=models.CASCADE, related_name="follow_ups")
    text = models.CharField(max_length=300)
    owner = models.CharField(max_length=150)
    due = models.DateField()
    added_at = models.DateTimeField()
    added_by = models.CharField(max_length=150)
    done_at = models.DateTimeField(null=True, blank=True)
    done_by = models.CharField(max_length=150, blank=True)

    class Meta:
        ordering = ["due", "id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(done_at__isnull=True, done_by="")
                | (models.Q(done_at__isnull=False) & ~models.Q(done_by="")),
                name="follow_up_done_by_somebody",
            )
        ]

    def __str__(self) -> str:
        return self.text
