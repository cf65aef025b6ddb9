from __future__ import annotations

from django.db import models


class Schedule(models.Model):
    """Who is on call at any time. `layers` as `oncall.domain.schedule.read` keeps them, the uppermost first."""

    key = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=120)
    zone = models.CharField(max_length=60, default="UTC", help_text="IANA name, for example Europe/Berlin.")
    layers = models.JSONField(default=list, blank=True)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        ordering = ["key"]
        permissions = [("take_shift", "Can take shifts and hand them over")]

    def __str__(self) -> str:
        return self.name


class Feed(models.Model):
    """The calendar that a schedule imports, and its last good copy.

    `shifts` and `unknown` are what `text` says; a fetch that fails leaves them and sets `error`. A worker takes the
    row by moving `next_at`.
    """

    schedule = models.OneToOneField("oncall.Schedule", on_delete=models.CASCADE, related_name="feed")
    url = models.CharField(max_length=500)
    text = models.BinaryField(default=bytes)
    shifts = models.JSONField(default=list, blank=True)
    unknown = models.JSONField(default=list, blank=True)
    copied_at = models.DateTimeField(null=True, blank=True)
    next_at = models.DateTimeField()
    error = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["next_at"], name="oncall_feed_due")]

    def __str__(self) -> str:
        return f"feed of {self.schedule}"


class Override(models.Model):
    """A person takes a time of a schedule from whoever would have it; of two the newer one counts."""

    schedule = models.ForeignKey("oncall.Schedule", on_delete=models.CASCADE, related_name="overrides")
    person = models.CharField(max_length=150)
    since = models.DateTimeField()
    until = models.DateTimeField()
    reason = models.TextField(blank=True)
    by = models.CharField(max_length=150)
    at = models.DateTimeField()
    cancelled_at = models.DateTimeField(null=True, blank=True)
    cancelled_by = models.CharField(max_length=150, blank=True)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["schedule", "until"], name="oncall_override_ahead")]
        constraints = [
            models.CheckConstraint(condition=models.Q(since__lt=models.F("until")), name="oncall_override_forward")
        ]

    def __str__(self) -> str:
        return f"{self.person} takes {self.schedule}"


class Chain(models.Model):
    """Who is told in which order. `steps` as `oncall.domain.chain.read` keeps them."""

    key = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=120)
    description = models.CharField(max_length=500, blank=True)
    steps = models.JSONField(default=list)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        ordering = ["key"]

    def __str__(self) -> str:
        return self.name
