"""What other pages tell about incidents."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.template.loader import render_to_string
from django.urls import reverse

from core import beside
from core.beside import Note, Person, Trouble
from incidents import selectors
from incidents.admin import words
from incidents.domain.states import IncidentState, Level


def of_flags() -> dict[tuple[str, str], Note]:
    """The open incident that is about a flag: one query."""
    found: dict[tuple[str, str], Note] = {}
    for key, row in selectors.flags_in_question():
        _, tone, icon = words.LEVEL_LOOK[Level(row.level)]
        told = f"Incident {row.pk} of level {row.level} is open: {row.title}"
        note = Note(f"incident {row.pk}", f"{told}.", page_of(str(row.pk), ""), tone, icon, warning=f"{told}.")
        found.setdefault((key, row.environment.key), note)
    return found


def troubles(environment: str | None, person: Person, now: datetime) -> list[Trouble]:
    """The incidents that are open. One query."""
    if not person.has_perm("incidents.view_incident"):
        return []
    return [
        Trouble(
            f"Incident {row.pk}: {row.title}",
            f"is {words.LOOK[IncidentState(row.state)][0]}",
            row.environment,
            row.opened_at,
            page_of(str(row.pk), ""),
            *words.LEVEL_LOOK[Level(row.level)][1:],
        )
        for row in selectors.open_ones(environment)
    ]


def of_subjects(subjects: Sequence[str], environment: str, person: Person) -> str:
    """The incidents that what the page is about belongs to. One query."""
    found = selectors.about(subjects[0]) if person.has_perm("incidents.view_incident") else []
    if not found:
        return ""
    rows = [(row, words.LEVEL_LOOK[Level(row.level)]) for row in found]
    return render_to_string("incidents/beside.html", {"rows": rows})


def page_of(key: str, environment: str) -> str:
    """Where the events of an incident lead."""
    return reverse("admin:incidents_incident_change", args=[key]) if key.isdecimal() else ""


beside.add_flag_notes(of_flags)
beside.add_trouble(troubles)
beside.add_subject_part(of_subjects)
beside.add_page("incident", page_of)
