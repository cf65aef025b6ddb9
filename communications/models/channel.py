from __future__ import annotations

from django.db import models

from communications.domain.channels import ChannelKind
from core.choices import choices


class Channel(models.Model):
    """A way out. `settings` may be shown; `secret` is encrypted and never shown again.

    `resume_at`: the receiver asked for nothing before. `failures`: in a row, since the last success.
    """

    key = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=80)
    kind = models.CharField(max_length=15, choices=choices(ChannelKind))
    settings = models.JSONField(default=dict, blank=True)
    secret = models.TextField(blank=True)
    enabled = models.BooleanField(default=True)
    ok_at = models.DateTimeField(null=True, blank=True)
    failed_at = models.DateTimeField(null=True, blank=True)
    error = models.TextField(blank=True)
    failures = models.PositiveIntegerField(default=0)
    resume_at = models.DateTimeField(null=True, blank=True)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        ordering = ["key"]
        permissions = [
            ("change_channel_secret", "Can set the secret of a channel"),
            ("test_channel", "Can send a test"),
        ]

    def __str__(self) -> str:
        return self.name
