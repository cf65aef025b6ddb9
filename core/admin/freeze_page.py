"""The page of one freeze: when it holds, who let changes through, and its history."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.http import Http404
from django.utils import timezone

from core import events, freezes
from core.admin.read_only import Screen
from core.calendar import Occurrence
from core.errors import NotFound
from core.models import Environment, Freeze, FreezeOverride
from core.repeating import words

AHEAD = 10
HISTORY = 50


@dataclass(frozen=True, slots=True)
class Place:
    """One occurrence in one environment, with its override if there is one that still counts."""

    environment: Environment
    override: FreezeOverride | None


@dataclass(frozen=True, slots=True)
class Line:
    occurrence: Occurrence
    places: list[Place]
    current: bool


class FreezePage(Screen):
    permission_required = "core.view_freeze"
    template_name = "core/freeze.html"
    live_template = "core/freeze_live.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        now = timezone.now()
        freeze = find(self.kwargs["pk"])
        self.title = freeze.name
        user = self.request.user
        return super().get_context_data(
            freeze=freeze,
            now=now,
            lines=lines(freeze, now=now),
            words=words(freeze.recurrence, datetime.fromisoformat(freeze.starts_at)),
            start=datetime.fromisoformat(freeze.starts_at),
            overrides=list(freezes.overrides(freeze.pk)),
            history=list(events.about(f"freeze:{freeze.pk}")[:HISTORY]),
            may_plan=user.has_perm("core.plan_freeze") and freeze.ended_at is None,
            may_override=user.has_perm("core.override_freeze"),
            **kwargs,
        )


def find(pk: int) -> Freeze:
    """The freeze of an address; a 404 when there is none."""
    try:
        return freezes.get(pk)
    except NotFound as error:
        raise Http404(str(error)) from error


def lines(freeze: Freeze, *, now: datetime) -> list[Line]:
    """The occurrence that holds now and those ahead, with what is let through."""
    ahead = freezes.upcoming(freeze, now=now, most=AHEAD)
    if not ahead:
        return []
    until = ahead[-1].starts_at + timedelta(seconds=1)
    found = freezes.spans([freeze], since=now, until=until)
    return [Line(span.occurrence, _places(span, now), span.occurrence.holds(now)) for span in found]


def _places(span: freezes.Span, now: datetime) -> list[Place]:
    kept = {pk: row for pk, row in span.lifted.items() if row.until > now}
    return [Place(each, kept.get(each.pk)) for each in span.environments]
