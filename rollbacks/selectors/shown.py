"""A rollback for a machine."""

from __future__ import annotations

from typing import Any

from rollbacks.models import Rollback

_STORED = (
    *("component", "chosen", "reason", "evidence", "state", "digest", "replanned", "risk", "risk_reasons", "estimate"),
    *("requested_by", "contributors", "requested_at", "expires_at", "confirmed_by", "confirmed_at", "emergency"),
    *("closed_by", "closed_at", "closed_reason", "version"),
)
_OF_STEP = ("kind", "lines", "state", "tries", "started_at", "ended_at", "output", "error")


def shown(row: Rollback) -> dict[str, Any]:
    """The rollback as JSON values and times; `steps` as planned, and how far each is once it is confirmed."""
    steps = [{name: getattr(step, name) for name in _OF_STEP} for step in row.steps.all()]
    planned = [{"kind": step["kind"], "lines": step["lines"], "state": "planned"} for step in row.plan["steps"]]
    return {
        **{field: getattr(row, field) for field in _STORED},
        "id": row.public_id,
        "environment": row.environment.key,
        "flag": row.flag.key if row.flag else "",
        "notes": row.plan["notes"],
        "steps": steps or planned,
    }
