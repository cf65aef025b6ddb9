"""One run: what is asked, how far it is, what was validated, what came of it, and what one can do."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.http import Http404
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from core import events, heartbeats
from core.admin.read_only import Screen
from core.errors import NotFound
from migrations_app.admin import validated, words
from migrations_app.admin.cards import took
from migrations_app.admin.offering import Rights, buttons, why_not
from migrations_app.admin.steering import APPROVE, REQUEST
from migrations_app.domain.amounts import size
from migrations_app.domain.states import AT_WORK, LIVE, Direction, LogStatus, RunState, Traffic, Wish
from migrations_app.models import MigrationRun
from migrations_app.selectors import runs_shown
from migrations_app.selectors.keeping import kept_until
from migrations_app.selectors.shown import progress

HISTORY = 40
SILENT = timedelta(minutes=1)  # without a sign of the worker: people are told so
RENEWS = 2  # seconds


class RunPage(Screen):
    permission_required = "migrations_app.view_migrationrun"
    template_name = "migrations_app/run.html"
    live_template = "migrations_app/run_live.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        now, user = timezone.now(), self.request.user
        row = found(self.kwargs["pk"])
        rights = Rights(user.get_username(), user.has_perm(REQUEST), user.has_perm(APPROVE))
        logs = runs_shown.logs(row)
        waits = row.state == RunState.REQUESTED
        state = RunState.EXPIRED if waits and now >= row.expires_at else RunState(row.state)
        self.title = row.title
        return super().get_context_data(
            row=row,
            now=now,
            live=state in LIVE,
            renew_every=RENEWS,
            waits=state is RunState.REQUESTED,
            state=state,
            look=words.LOOK[state],
            traffic=words.TRAFFIC[Traffic(row.traffic)],
            commands=buttons(row, logs, rights, now=now),
            why_not=why_not(row, rights, now=now),
            logs=[(log, words.LOG_LOOK[LogStatus(log.status)], _seconds(log.duration)) for log in logs],
            undone_by=[(each, words.LOOK[RunState(each.state)]) for each in runs_shown.undone_by(row)],
            took=words.length(ended) if (ended := took(row)) is not None else "",
            estimate=_estimate(row),
            history=list(events.about(f"migration:{row.uid}")[:HISTORY]),
            **_far(row, state, now=now),
            **_came_of_it(row),
            **kwargs,
        )


def found(pk: int) -> MigrationRun:
    """The run with this number; a page that is not there without one."""
    try:
        return runs_shown.by_pk(pk)
    except NotFound as error:
        raise Http404(str(error)) from error


def _far(row: MigrationRun, state: RunState, *, now: datetime) -> dict[str, Any]:
    """How far it is. While a run is taken back by itself, the share is of what it had changed."""
    told = progress(row)
    if state is RunState.ROLLING_BACK:
        back, had = row.progress.get("undone", 0), row.progress.get("done", 0)
        told |= {"documents": back, "planned": had, "percent": min(100.0, 100 * back / had) if had else None}
    left = max(0, told["planned"] - told["documents"])
    rate = (told["rate"] or 0) * row.speed / 100
    going = state in AT_WORK and not told["waiting"]
    return {
        "told": told,
        "told_at": parse_datetime(told["at"]) if told["at"] else None,
        "share": told["percent"] or 0,
        "left": left / rate if going and rate and left else None,
        "journal": size(told["journal_bytes"]) if told["journal_bytes"] else "",
        "standstill": _standstill(row, state, told, now=now),
        "wish": words.WISHES.get(Wish(row.wish), "") if state in AT_WORK else "",
    }


def _standstill(row: MigrationRun, state: RunState, told: dict[str, Any], *, now: datetime) -> str:
    """Why nothing moves, in plain words; "" when it moves or is over."""
    if state not in AT_WORK:
        return ""
    if told["waiting"]:
        return str(told["waiting"])
    seen = parse_datetime(told["at"]) if told["at"] else None
    if seen is not None and now - seen < SILENT:
        return ""
    if state is RunState.APPROVED and now - (row.approved_at or row.requested_at) < SILENT:
        return ""
    alive = heartbeats.last().get("migrator")
    if alive is None or now - alive > SILENT:
        return "No worker of migrations has given a sign for a minute: see whether manage.py migrator runs."
    return "" if state is RunState.APPROVED else "Its worker has given no sign for a minute; the next one takes it."


def _came_of_it(row: MigrationRun) -> dict[str, Any]:
    titles = words.titles(row.number)
    changed = row.result.get("changed", {})
    return {
        "down": row.direction == Direction.DOWN,
        "comparison": validated.compare(row),
        "changed": [(titles.get(key, (key, ""))[0], count) for key, count in changed.items()],
        "fates": validated.fates(row.result, row),
        "failed_documents": validated.named(row.result),
        "forgotten": parse_datetime(str(row.result.get("forgotten", ""))) if row.result.get("forgotten") else None,
        "kept_until": kept_until(row),
        "has_journal": row.started_at is not None and not (row.of or row).result.get("forgotten"),
    }


def _estimate(row: MigrationRun) -> str:
    seconds = row.plan.get("seconds")
    return f"about {words.length(timedelta(seconds=seconds))}" if seconds else ""


def _seconds(milliseconds: int | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000
