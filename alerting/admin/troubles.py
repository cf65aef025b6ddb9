"""What the page of what changed lately tells about alerts, and how a silence is ended from there."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.urls import reverse
from django.utils import timezone

from alerting import selectors
from core import beside
from core.beside import EventAction, Person, Trouble

if TYPE_CHECKING:
    from core.models import Event

MOST = 100


def troubles(environment: str | None, person: Person, now: datetime) -> list[Trouble]:
    """The newest hundred alerts that fire. One query."""
    if not person.has_perm("alerting.view_alert"):
        return []
    return [
        Trouble(
            row.name,
            f"fires ({row.severity})" if row.severity else "fires",
            row.environment,
            row.starts_at,
            reverse("admin:alerting_alert_change", args=[row.pk]),
            "bad" if row.severity == "critical" else "warn",
            "notifications_active",
        )
        for row in selectors.firing(environment)[:MOST]
    ]


def ways_back(events: list[Event], person: Person) -> dict[int, EventAction]:
    """The end of a silence that holds or is still ahead. One query."""
    made = {event.subject: event for event in events if event.kind == "silence.created"}
    if not made or not person.has_perm("alerting.acknowledge_alert"):
        return {}
    live = {f"silence:{row.pk}": row.pk for row in selectors.live_silences(now=timezone.now())}
    return {
        event.pk: EventAction(
            reverse("admin:alerting_silence_end", args=[live[subject]]), "End it", "notifications_active"
        )
        for subject, event in made.items()
        if subject in live
    }


beside.add_trouble(troubles)
beside.add_way_back(ways_back)
