"""What the pages of the flags tell about triggers."""

from __future__ import annotations

from django.urls import reverse

from core import beside
from core.beside import Note
from monitoring import selectors
from monitoring.models import Trigger


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


def page_of(key: str, environment: str) -> str:
    """Where the events of a trigger lead."""
    return reverse("admin:monitoring_trigger_of", args=[environment, key]) if environment else ""


beside.add_flag_notes(of_flags)
beside.add_page("trigger", page_of)
