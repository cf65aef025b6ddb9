"""What Home and the events tell of runs of migrations."""

from __future__ import annotations

from datetime import datetime

from django.urls import reverse

from core import beside
from core.beside import Person, Trouble
from migrations_app.admin import words
from migrations_app.domain.states import RunState
from migrations_app.selectors import runs_shown

TOLD = {
    RunState.HELD: "has done its canary, and waits for a person",
    RunState.FAILED: "has failed",
    RunState.ROLLBACK_FAILED: "could not be taken back",
}


def troubles(environment: str | None, person: Person, now: datetime) -> list[Trouble]:
    """The runs that wait for a person, or have failed with something of them left. One query."""
    if not person.has_perm("migrations_app.view_migrationrun"):
        return []
    return [
        Trouble(
            row.title,
            TOLD[RunState(row.state)],
            row.environment,
            row.ended_at or row.started_at or row.requested_at,
            reverse("admin:migrations_app_migrationrun_change", args=[row.pk]),
            *words.LOOK[RunState(row.state)][1:],
        )
        for row in runs_shown.wrong(environment)
    ]


def page_of(key: str, environment: str) -> str:
    """Where the events of a run lead."""
    return reverse("admin:migrations_app_run_by_id", args=[key])


beside.add_trouble(troubles)
beside.add_page("migration", page_of)
