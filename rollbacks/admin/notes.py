"""What the pages of the flags and of the events tell about rollbacks."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import urlencode

from django.urls import reverse

from core import beside
from core.beside import FlagAction, Note, Person, Trouble
from rollbacks import selectors
from rollbacks.admin import words
from rollbacks.admin.commands import ASK
from rollbacks.domain.states import LIVE, Component, RollbackState


def of_flags() -> dict[tuple[str, str], Note]:
    """The rollback that is asked for or under way, for each flag of its plan: 2 queries."""
    found: dict[tuple[str, str], Note] = {}
    for row in selectors.rollbacks().filter(state__in=LIVE):
        text, tone, icon = words.LOOK[RollbackState(row.state)]
        note = Note(
            text=f"rollback {text}",
            sentence=f"Rollback {row.public_id} of {row.title}: {text}.",
            url=page_of(row.public_id, ""),
            tone=tone,
            icon=icon,
            warning=f"Rollback {row.public_id} is asked for or under way: it switches this flag off.",
        )
        keys = [flag["key"] for step in row.plan["steps"] if step["kind"] == "flags" for flag in step["what"]["flags"]]
        found |= {(key, row.environment.key): note for key in keys}
    return found


def of_flag(flag: str, environment: str, person: Person) -> FlagAction | None:
    """The form that asks for the rollback of this feature, filled in."""
    if not person.has_perm(ASK):
        return None
    filled = urlencode({"environment": environment, "component": Component.FEATURE.value, "flag": flag})
    return FlagAction(f"{reverse('admin:rollbacks_ask')}?{filled}", "Request a rollback", "assignment_return")


def troubles(environment: str | None, person: Person, now: datetime) -> list[Trouble]:
    """The rollbacks that have stopped on the way. Two queries."""
    if not person.has_perm("rollbacks.view_rollback"):
        return []
    return [
        Trouble(
            f"The rollback of {row.title}",
            "has stopped, and waits for a person",
            row.environment,
            max((step.ended_at for step in row.steps.all() if step.ended_at), default=row.requested_at),
            page_of(row.public_id, ""),
            "bad",
            "pan_tool",
        )
        for row in selectors.listed(environment=environment, state=RollbackState.STOPPED)
    ]


def page_of(key: str, environment: str) -> str:
    """Where the events of a rollback lead."""
    return reverse("admin:rollbacks_by_id", args=[key])


beside.add_flag_notes(of_flags)
beside.add_flag_action(of_flag)
beside.add_trouble(troubles)
beside.add_page("rollback", page_of)
