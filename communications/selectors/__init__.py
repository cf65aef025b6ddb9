"""Reads of the alerts and of what was announced."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.db.models import Prefetch, QuerySet

from communications.domain.alerts import AlertType, Severity, leads_to
from communications.domain.message import Message, read_evidence
from communications.domain.states import AnnouncementState
from communications.models import Alert, Announcement, Audience, Channel
from core import beside


def alerts() -> QuerySet[Alert]:
    """All alerts, newest first, with event and environment; announcements and their channels come in one more query."""
    sent = Announcement.objects.select_related("channel").defer("text", "html").order_by("id")
    found = Alert.objects.select_related("event", "environment")
    return found.prefetch_related(Prefetch("announcements", queryset=sent)).order_by("-id")


def dead() -> QuerySet[Announcement]:
    """Announcements that were given up and wait for a person, newest first."""
    return _in(AnnouncementState.FAILED)


def waiting() -> QuerySet[Announcement]:
    """Announcements that are still to be sent, with those that are held."""
    return Announcement.objects.filter(state__in=[AnnouncementState.QUEUED.value, AnnouncementState.HELD.value])


def drafts() -> QuerySet[Announcement]:
    """Announcements that a person has to approve, newest first."""
    return _in(AnnouncementState.DRAFT)


def drafts_for(alert_id: int, audience: str) -> QuerySet[Announcement]:
    """What waits to be approved of one piece of news for one audience, in the order of its making."""
    found = Announcement.objects.filter(alert=alert_id, audience=audience, state=AnnouncementState.DRAFT.value)
    return found.select_related("alert__event", "channel").order_by("id")


def announcements() -> QuerySet[Announcement]:
    """All of them with alert and channel, newest first."""
    return Announcement.objects.select_related("alert__event", "channel").order_by("-id")


def sent_of(alert: Alert) -> QuerySet[Announcement]:
    """What was made of an alert, with each try and what it was merged into."""
    found = Announcement.objects.filter(alert=alert).select_related("channel", "merged_into")
    return found.prefetch_related("deliveries").order_by("id")


def audience_name(row: Announcement) -> str:
    """Of the audience as it is called now; its key when it is not there any more."""
    return Audience.objects.filter(key=row.audience).values_list("name", flat=True).first() or row.audience


def channels() -> QuerySet[Channel]:
    """All of them, by key."""
    return Channel.objects.order_by("key")


def open_channels() -> QuerySet[Channel]:
    """Those that are on."""
    return Channel.objects.filter(enabled=True)


def _in(state: AnnouncementState) -> QuerySet[Announcement]:
    return announcements().filter(state=state.value)


def message(alert: Alert) -> Message:
    """The alert as people inside read it: the same each time it is asked for."""
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
        link=address(_path(alert)),
        facts={name: json.dumps(event.data.get(name)) for name in event.data.get("for_programs", ())},
    )


def address(path: str) -> str:
    """A path of ours as people outside of this machine reach it; empty when the system has no public address."""
    return f"{settings.PUBLIC_URL.rstrip('/')}{path}" if settings.PUBLIC_URL and path else ""


def _measured(data: Mapping[str, Any]) -> dict[str, Any]:
    """The numbers and addresses of an alert by a rule."""
    return {
        name: data[name]
        for name in ("percentage", "monitoring", "value", "since", "runbook")
        if data.get(name) not in (None, "")
    }


def _path(alert: Alert) -> str:
    """Where a reader goes: to what the event leads to if that has a page, else to the alert.

    What is urgent is written out: only the screens know the other pages, and after a restart nobody who is called
    waits for those to be loaded.
    """
    subject, own = leads_to(alert.event.data), f"/admin/communications/alert/{alert.pk}/change/"
    noun, _, key = subject.partition(":")
    if not subject:
        return own
    if noun == "incident" and key.isdecimal():
        return f"/admin/incidents/incident/{key}/change/"
    return beside.page_of(subject, alert.environment.key if alert.environment else "") or own
