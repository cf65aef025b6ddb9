"""What the other pages tell about schedules, chains and escalations."""

from __future__ import annotations

from datetime import datetime

from django.urls import reverse

from core import beside
from core.beside import Person, Trouble
from oncall import selectors
from oncall.domain.running import EscalationState


def troubles(environment: str | None, person: Person, now: datetime) -> list[Trouble]:
    """What nobody has acknowledged yet. One query."""
    if not person.has_perm("oncall.view_escalation"):
        return []
    return [
        Trouble(
            row.title,
            "is being escalated" if row.state == EscalationState.RUNNING else "was escalated, and nobody answered",
            row.environment,
            row.started_at,
            page_of(str(row.pk), ""),
            "bad",
            "campaign",
        )
        for row in selectors.unheard(environment=environment)[:50]
        if row.environment is not None
    ]


def page_of(key: str, environment: str) -> str:
    """Where the events of an escalation lead."""
    return reverse("admin:oncall_escalation_change", args=[key])


beside.add_trouble(troubles)
beside.add_page("escalation", page_of)
beside.add_page("schedule", lambda key, environment: reverse("admin:oncall_schedule_by_key", args=[key]))
beside.add_page("chain", lambda key, environment: reverse("admin:oncall_chain_by_key", args=[key]))
