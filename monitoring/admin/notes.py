"""What the pages of the flags and of what changed lately tell about triggers."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.urls import reverse

from core import beside
from core.beside import EventAction, Note, Person, Trouble
from monitoring import selectors
from monitoring.models import Trigger

if TYPE_CHECKING:
    from core.models import Event


def of_flags() -> dict[tuple[str, str], Note]:
    """The newest trigger that has fired for each flag and waits to be re-armed. One query."""
    return {(_flag(row), row.environment.key): _note(row) for row in reversed(selectors.latched())}


def _flag(row: Trigger) -> str:
    """The flag it rolled back; its own, when it found none."""
    return str(row.evidence.get("flag") or row.flag_key)


def _note(row: Trigger) -> Note:
    return Note(
        text=f"{row.name} has fired",
        sentence=f"Trigger {row.name} has fired and guards nothing until a person re-arms it.",
        url=reverse("admin:monitoring_trigger_change", args=[row.pk]),
        tone="bad",
        icon="lock",
        warning=f"Trigger {row.name} has fired: nothing guards against it until it is re-armed.",
    )


def troubles(environment: str | None, person: Person, now: datetime) -> list[Trouble]:
    """The triggers that have fired and wait for a person. One query."""
    if not person.has_perm("monitoring.view_trigger"):
        return []
    return [
        Trouble(
            row.name,
            "has fired, and guards nothing until a person re-arms it",
            row.environment,
            row.latched_at,
            reverse("admin:monitoring_trigger_change", args=[row.pk]),
            "bad",
            "bolt",
        )
        for row in selectors.latched(environment)
        if row.latched_at is not None
    ]


def ways_back(events: list[Event], person: Person) -> dict[int, EventAction]:
    """The re-arming of a trigger that has fired and was not re-armed since. One query."""
    fired = [event for event in events if event.kind == "trigger.fired"]
    if not fired or not person.has_perm("monitoring.rearm_trigger"):
        return {}
    newest = {(event.subject, event.environment_id): event for event in reversed(fired)}
    latched = {(f"trigger:{row.key}", row.environment_id): row.pk for row in selectors.latched()}
    return {
        event.pk: EventAction(reverse("admin:monitoring_trigger_rearm", args=[latched[place]]), "Re-arm", "shield")
        for place, event in newest.items()
        if place in latched
    }


def page_of(key: str, environment: str) -> str:
    """Where the events of a trigger lead."""
    return reverse("admin:monitoring_trigger_of", args=[environment, key]) if environment else ""


beside.add_flag_notes(of_flags)
beside.add_trouble(troubles)
beside.add_way_back(ways_back)
beside.add_page("trigger", page_of)
