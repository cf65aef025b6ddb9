"""The risk of an environment now, what it is made of, and how it went."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone

from core import environments, events
from core.admin.read_only import ReadOnlyAdmin, Screen, is_number
from core.errors import NotFound
from risk.admin import picture, words
from risk.domain.score import BOUNDS, HYSTERESIS
from risk.models import Score
from risk.selectors import stack

HISTORY = 10
PERMISSION = "risk.view_score"


def page_of(environment: str) -> str:
    return reverse("admin:risk_score_in", args=[environment])


class RiskScreen(Screen):
    permission_required = PERMISSION
    template_name = "risk/score.html"
    live_template = "risk/score_live.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        now = timezone.now()
        try:
            where = environments.get(self.kwargs["key"])
        except NotFound as error:
            raise Http404(str(error)) from error
        self.title = f"Risk in {where}"
        newest = stack.newest()
        row = newest.get(where.pk)
        shown = picture.span(self.request.GET.get("range"))
        start, end = shown.bounds(now)
        found = stack.worst(where.key, start=start, end=end, step=shown.step)
        return super().get_context_data(
            environment_row=where,
            tabs=[(one, newest.get(one.pk), page_of(one.key)) for one in environments.ordered().reverse()],
            row=row,
            level=words.level(row.level if row and row.score is not None else ""),
            tone=words.tone(row.level if row and row.score is not None else ""),
            stale=row is not None and picture.stale(row, now=now),
            factors=picture.factors(row) if row else [],
            missing=[one.name for one in picture.factors(row) if not one.known] if row else [],
            bounds=[(level, bound) for level, bound in BOUNDS.items()],
            hysteresis=HYSTERESIS,
            spans=picture.SHOWN,
            span=shown,
            empty=not any(one.score is not None for one in found.values()),
            chart=picture.chart(found, shown, start, end),
            points=sorted(found.items(), reverse=True),
            history=events.about("risk:score", environment_id=where.pk)[:HISTORY],
            **kwargs,
        )


@admin.register(Score)
class ScoreAdmin(ReadOnlyAdmin):
    """Assessments are read on the page of their environment."""

    heading = "Risk"

    def get_urls(self) -> list[URLPattern]:
        screen = self.admin_site.admin_view(RiskScreen.as_view(model_admin=self))
        return [path("in/<slug:key>/", screen, name="risk_score_in"), *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The environment that matters most: the last on the way up."""
        if not request.user.has_perm(PERMISSION):
            raise PermissionDenied
        last = environments.ordered().last()
        return redirect(page_of(last.key) if last else "admin:index")

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.has_perm(PERMISSION):
            raise PermissionDenied
        row = stack.score(int(object_id)) if is_number(object_id) else None
        if row is None:
            raise Http404
        return redirect(page_of(row.environment.key))
