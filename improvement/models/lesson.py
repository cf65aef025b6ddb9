from __future__ import annotations

from django.db import models

from core.choices import choices
from improvement.domain.lessons import Area, Sort


class Lesson(models.Model):
    """Something learnt. `key` is of one that a playbook brings."""

    key = models.CharField(max_length=80, unique=True, null=True, blank=True)
    area = models.CharField(max_length=12, choices=choices(Area))
    sort = models.CharField(max_length=12, choices=choices(Sort))
    text = models.CharField(max_length=300)
    detail = models.TextField(blank=True)
    evidence = models.CharField(max_length=140, blank=True)
    about = models.JSONField(default=list, blank=True)
    tags = models.JSONField(default=list, blank=True)
    written_at = models.DateTimeField()
    written_by = models.CharField(max_length=150)
    retired_at = models.DateTimeField(null=True, blank=True)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        ordering = ["id"]
        permissions = [("write_lesson", "Can write, change and retire lessons")]
        indexes = [models.Index(fields=["evidence"], name="lesson_by_evidence")]

    def __str__(self) -> str:
        return self.text
