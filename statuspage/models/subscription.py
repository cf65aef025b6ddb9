from __future__ import annotations

from django.db import models

from core.choices import choices
from statuspage.domain.addresses import SubscriberKind


class Subscription(models.Model):
    """Somebody who wants to be told. Nobody is told anything before `confirmed_at`; who leaves is deleted.

    No components: all of them. `wanted` is what was asked for last, {"components": keys, "language": …}: it counts once
    the link that was sent for it is used. `asked` counts those links, so that only the newest one works.
    """

    kind = models.CharField(max_length=7, choices=choices(SubscriberKind))
    address = models.CharField(max_length=254)
    language = models.CharField(max_length=5)
    components = models.ManyToManyField("statuspage.Component", related_name="subscriptions")
    wanted = models.JSONField(default=dict)
    asked = models.PositiveIntegerField(default=1)
    asked_at = models.DateTimeField()
    confirmed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        permissions = [("manage_subscription", "Can see the addresses of subscribers, and end subscriptions")]
        constraints = [models.UniqueConstraint(fields=["kind", "address"], name="subscriber_is_one")]
        indexes = [models.Index(fields=["confirmed_at", "asked_at"], name="subscriptions_waiting")]

    def __str__(self) -> str:
        return f"subscription {self.pk}"
