"""A run as JSON: what the API and the command line tell of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from migrations_app.models import MigrationLog, MigrationRun
from migrations_app.selectors.keeping import kept_until


def shown(row: MigrationRun) -> dict[str, Any]:
    """Everything of a run, with the log of its phases."""
    logs = (row.of or row).logs.order_by("id")
    return {
        "id": row.uid,
        "environment": row.environment.key,
        "migration": row.number,
        "name": row.name,
        "direction": row.direction,
        "of": row.of.uid if row.of else None,
        "phases": row.phases,
        "canary": row.canary,
        "traffic": row.traffic,
        "state": row.state,
        "wish": row.wish,
        "speed": row.speed,
        "reason": row.reason,
        "plan": row.plan,
        "digest": row.digest,
        "requested_by": row.requested_by,
        "requested_at": row.requested_at,
        "expires_at": row.expires_at,
        "approved_by": row.approved_by or None,
        "approved_at": row.approved_at,
        "started_at": row.started_at,
        "ended_at": row.ended_at,
        "journal_kept_until": kept_until(row),
        "progress": progress(row),
        "before": row.before,
        "after": row.after,
        "result": row.result,
        "error": row.error,
        "logs": [_log(log) for log in logs],
    }


def progress(row: MigrationRun) -> dict[str, Any]:
    """How far it is: documents done of those planned, rate, and the seconds that are left at that rate."""
    told = dict(row.progress)
    done, planned = told.get("undone" if row.of else "done", 0), row.plan.get("documents", 0)
    rate = told.get("rate")
    left = max(0, planned - done)
    return {
        "phase": told.get("phase", ""),
        "operation": told.get("operation", ""),
        "documents": done,
        "planned": planned,
        "percent": min(100.0, round(100 * done / planned, 1)) if planned else None,
        "rate": rate,
        "seconds_left": round(left / rate) if rate and left else None,
        "lag": told.get("lag"),
        "batch": told.get("batch"),
        "journal_bytes": told.get("journal_bytes", 0),
        "waiting": told.get("waiting", ""),
        "at": told.get("at"),
    }


def _log(log: MigrationLog) -> dict[str, Any]:
    """By the seed's names."""
    return {
        "migrationId": log.migration_id,
        "phase": log.phase,
        "status": log.status,
        "startTime": log.start_time,
        "endTime": log.end_time,
        "duration": log.duration,
        "result": log.result,
        "error": log.error or None,
        "rollbackAt": log.rollback_at,
    }


def moment(at: datetime | None) -> str:
    """To the second, in UTC; a dash for none."""
    return at.strftime("%Y-%m-%d %H:%M:%S") if at else "–"
