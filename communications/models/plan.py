from __future__ import annotations

from django.db import models
from django.db.models import Q

from communications.domain.audiences import Content, Frequency
from communications.domain.channels import ChannelKind
from core.choices import choices


class Audience(models.Model):
    """People who are told of the same things in the same words.

    `topics` is what they hear of. `least_level`: of incidents below it they do not hear. `quiet_from` and `quiet_until`
    are local times (HH:MM) in `zone`; an empty zone is that of the installation. `burst`: messages a minute, then one
    for the rest; 0: no limit. `promise` is the strategy's word for what they get to read.
    """

    key = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=80)
    position = models.PositiveSmallIntegerField(default=0)
    content = models.CharField(max_length=12, choices=choices(Content))
    promise = models.CharField(max_length=200, blank=True)
    frequency = models.CharField(max_length=10, choices=choices(Frequency))
    topics = models.JSONField(default=list, blank=True)
    least_level = models.PositiveSmallIntegerField(default=1)
    zone = models.CharField(max_length=60, blank=True)
    quiet_from = models.CharField(max_length=5, blank=True)
    quiet_until = models.CharField(max_length=5, blank=True)
    burst = models.PositiveSmallIntegerField(default=5)
    language = models.CharField(max_length=10, default="en")
    version = models.PositiveIntegerField(default=1)

    class Meta:
        ordering = ["position", "key"]
        permissions = [("plan_communication", "Can change who is told of what, and in which words")]
        constraints = [
            models.CheckConstraint(condition=Q(least_level__range=(1, 3)), name="audience_level_known"),
            models.CheckConstraint(
                condition=(Q(quiet_from="") & Q(quiet_until="")) | (~Q(quiet_from="") & ~Q(quiet_until="")),
                name="audience_quiet_hours_whole",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Route(models.Model):
    """A way to an audience. `target` is whom the channel hands it to (docs/communications.md); empty: its own."""

    audience = models.ForeignKey("communications.Audience", on_delete=models.CASCADE, related_name="routes")
    channel = models.ForeignKey("communications.Channel", on_delete=models.PROTECT, related_name="routes")
    target = models.CharField(max_length=200, blank=True)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["position", "id"]
        constraints = [
            models.UniqueConstraint(fields=["audience", "channel", "target"], name="route_once_for_an_audience")
        ]

    def __str__(self) -> str:
        return f"{self.channel} {self.target}".strip()


class Wording(models.Model):
    """The words for an audience, in place of the default ones: for one kind of channel or all (empty), for one type
    of announcement or all (empty). The most exact one is taken. Templates of Django's language, without its ways out.
    """

    audience = models.ForeignKey("communications.Audience", on_delete=models.CASCADE, related_name="wordings")
    channel_kind = models.CharField(max_length=15, blank=True, choices=choices(ChannelKind))
    type = models.CharField(max_length=40, blank=True)
    language = models.CharField(max_length=10, default="en")
    subject = models.CharField(max_length=300)
    text = models.TextField()
    html = models.TextField(blank=True)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        ordering = ["audience", "type", "channel_kind", "language"]
        constraints = [
            models.UniqueConstraint(
                fields=["audience", "channel_kind", "type", "language"], name="wording_once_for_a_case"
            )
        ]

    def __str__(self) -> str:
        return f"{self.audience}: {self.type or 'all'} by {self.channel_kind or 'all channels'}"
