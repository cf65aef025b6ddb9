"""A change request for a machine."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from approvals import selectors
from approvals.domain import approving, schedule
from approvals.models import ChangeRequest

_STORED = (
    *("title", "reason", "state", "changes", "effects", "rules", "needed", "digest", "requested_by", "contributors"),
    *("created_at", "expires_at", "apply_at", "zone", "waiting_for", "voided_reason", "applied_at", "closed_at"),
    *("closed_by", "closed_reason", "version"),
)


def shown(request: ChangeRequest, *, now: datetime | None = None) -> dict[str, Any]:
    """The request as JSON values and times.

    With `now`, whether it is stale is looked up (up to six queries); without, it is as the clock last saw it.
    """
    stale = selectors.changed_since(request) if now else ""
    words = request.approvals.all()
    people = approving.counting(words, digest=request.digest, contributors=request.contributors)
    return {
        **{field: getattr(request, field) for field in _STORED},
        "id": request.pk,
        "environment": request.environment.key,
        "flags": sorted(flag.key for flag in request.flags.all()),
        "approved_by": [] if stale else people,
        "stale": stale,
        "reverts": request.reverts_id,
        "applied_when": schedule.told(request.apply_at, request.zone) if request.apply_at else "",
    }
