"""An incident for a machine."""

from __future__ import annotations

from typing import Any

from incidents.models import Incident
from incidents.selectors import MOST_LINKS

_STORED = (
    *("title", "summary", "cause", "level", "highest", "state", "gathers", "components", "facts", "version"),
    *("began_at", "opened_at", "opened_by", "escalate_at", "acknowledged_at", "acknowledged_by", "mitigated_at"),
    *("resolved_at", "closed_at", "commander", "communications", "scribe"),
)
_OF_ACTION = ("id", "level", "text", "does", "done_at", "done_by", "note")


def brief(row: Incident) -> dict[str, Any]:
    """What a list tells."""
    own = {field: getattr(row, field) for field in _STORED}
    return {"number": row.pk, "environment": row.environment.key, "merged_into": row.merged_into_id, **own}


def shown(row: Incident) -> dict[str, Any]:
    """The incident with its checklist and what it is about, as JSON values and times."""
    actions = [{field: getattr(each, field) for field in _OF_ACTION} for each in row.actions.all()]
    links = list(row.links.values("subject", "times", "first_at", "last_at", "by")[:MOST_LINKS])
    return {**brief(row), "actions": actions, "links": links}
