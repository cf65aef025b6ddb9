"""Reads of the alerts and their deliveries."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Q, QuerySet
from django.urls import NoReverseMatch, reverse

from communications.domain.alerts import AlertType, ChannelName, Severity
from communications.domain.message import Message, read_evidence
from communications.models import Alert, Delivery
from core import people

OPEN = Q(sent_at__isnull=True, failed_at__isnull=True)


def alerts() -> QuerySet[Alert]:
    """All alerts, newest first, with event and environment; deliveries come in one more query."""
    return Alert.objects.select_related("event", "environment").prefetch_related("deliveries").order_by("-id")


def dead() -> QuerySet[Delivery]:
    """Deliveries that were given up and wait for a person, newest first."""
    return Delivery.objects.filter(failed_at__isnull=False).select_related("alert").order_by("-id")


def waiting() -> QuerySet[Delivery]:
    """Deliveries that are still to be sent."""
    return Delivery.objects.filter(OPEN)


def due(channel: ChannelName, *, now: datetime) -> QuerySet[Delivery]:
    """Open deliveries of a channel whose time has come and that no sender holds, oldest first."""
    free = Q(claimed_until__isnull=True) | Q(claimed_until__lte=now)
    return Delivery.objects.filter(OPEN, free, channel=channel, next_try_at__lte=now).order_by("next_try_at", "id")


def in_flight(channel: ChannelName, *, now: datetime) -> QuerySet[Delivery]:
    """Deliveries of a channel that a sender holds now."""
    return Delivery.objects.filter(OPEN, channel=channel, claimed_until__gt=now)


def message(alert: Alert) -> Message:
    """The alert as its channels send it: the same each time it is asked for."""
    event = alert.event
    return Message(
        key=f"alert-{event.pk}-{int(event.at.timestamp())}",
        type=AlertType(alert.type),
        feature=alert.feature,
        environment=alert.environment.key if alert.environment else "",
        reason=event.reason,
        actor=event.actor,
        severity=Severity(alert.severity),
        at=event.at,
        rollback_id=str(event.data.get("rollback_id", "")),
        evidence=read_evidence(event.data.get("evidence") or _measured(event.data)),
        link=_link(alert),
        to=tuple(people.addresses(event.data["to"])) if event.data.get("to") else (),
    )


def _measured(data: Mapping[str, Any]) -> dict[str, Any]:
    """The numbers and addresses of an alert by a rule."""
    return {
        name: data[name]
        for name in ("percentage", "monitoring", "value", "since", "runbook")
        if data.get(name) not in (None, "")
    }


def _link(alert: Alert) -> str:
    if not settings.PUBLIC_URL or alert.pk is None:
        return ""
    try:
        path = reverse("admin:communications_alert_change", args=[alert.pk])
    except NoReverseMatch:
        path = reverse("admin:index")
    return f"{settings.PUBLIC_URL.rstrip('/')}{path}"
