"""A report as programs read it."""

from __future__ import annotations

from typing import Any

from reports.models import Report


def brief(row: Report) -> dict[str, Any]:
    """What it is about, in short."""
    return {
        "number": row.pk,
        "environment": row.environment.key,
        "title": row.title,
        "start": row.start.isoformat(),
        "end": row.end.isoformat(),
        "zone": row.zone,
        "headline": row.headline,
        "urgent": row.urgent,
        "origin": row.origin,
        "state": row.state,
        "made_at": row.made_at.isoformat(),
        "made_by": row.made_by,
        "released_at": row.released_at.isoformat() if row.released_at else None,
        "released_by": row.released_by,
        "digest": row.digest,
    }


def shown(row: Report) -> dict[str, Any]:
    """All of it: the seed's period, metrics, analysis, recommendations and nextActions, and what is not known."""
    return {**brief(row), "report": row.document}
