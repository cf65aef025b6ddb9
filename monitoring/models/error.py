from __future__ import annotations

from django.db import models

from core.choices import choices
from monitoring.domain.severity import Severity


class ErrorEpisode(models.Model):
    """Errors of one kind, from the first that was seen until they are resolved (seed: errorMetrics).

    Of one kind are errors with the same severity, feature and variant in one environment. One episode of a kind is
    open at a time; `resolved_at - first_seen` is its resolution time.
    """

    environment = models.ForeignKey("core.Environment", on_delete=models.CASCADE, related_name="error_episodes")
    severity = models.CharField(max_length=10, choices=choices(Severity))
    feature = models.CharField(max_length=100, blank=True)
    variant = models.CharField(max_length=100, blank=True)
    count = models.PositiveBigIntegerField(default=0)
    counted_until = models.BigIntegerField(help_text="Unix seconds; the end of the last bucket that was counted.")
    first_seen = models.DateTimeField()
    last_seen = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True, blank=True)
    resolved_by = models.CharField(max_length=150, blank=True)
    note = models.TextField(blank=True)

    class Meta:
        ordering = ["-first_seen", "-id"]
        verbose_name = "error"
        permissions = [("resolve_errorepisode", "Can say that errors are resolved")]
        indexes = [models.Index(fields=["environment", "first_seen"], name="error_by_time")]
        constraints = [
            models.UniqueConstraint(
                fields=["environment", "severity", "feature", "variant"],
                condition=models.Q(resolved_at=None),
                name="error_open_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.severity} {self.feature or 'nctool'}"
