"""Who is on call now, and each schedule with its coming two weeks."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone

from core import events
from core.admin.read_only import ReadOnlyAdmin, Screen
from core.errors import NotFound
from oncall import selectors
from oncall.admin import words
from oncall.admin.schedule_form import AddSchedule, ChangeSchedule
from oncall.admin.shift_dialogs import FetchFeed, GiveBack, RemoveSchedule, TakeShift, find
from oncall.models import Schedule
from oncall.services import planning

HISTORY = 30


class Board(Screen):
    """Every schedule as it stands now. Three queries, however many there are."""

    permission_required = "oncall.view_schedule"
    title = "On call"
    template_name = "oncall/page.html"
    live_template = "oncall/board_live.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        now = timezone.now()
        kwargs |= {"crumbs": [("Home", reverse("admin:index"))]}
        return super().get_context_data(
            now=now,
            cards=[words.card(row, now=now) for row in selectors.schedules(now=now)],
            waiting=list(selectors.unheard()[:5]),
            may_change=self.request.user.has_perm("oncall.change_schedule"),
            may_take=self.request.user.has_perm("oncall.take_shift"),
            renew_every=15,
            **kwargs,
        )


class SchedulePage(Screen):
    permission_required = "oncall.view_schedule"
    template_name = "oncall/page.html"
    live_template = "oncall/schedule_live.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        now = timezone.now()
        row = find(self.kwargs["pk"], now=now)
        plan, zone = selectors.plan_of(row), ZoneInfo(row.zone)
        self.title = row.name
        user = self.request.user
        return super().get_context_data(
            now=now,
            row=row,
            card=words.card(row, now=now),
            lanes=words.lanes(plan, zone, now=now),
            lines=words.lines(plan, zone, now=now),
            layers=plan.layers,
            overrides=[
                (each, words.span(each.since, each.until, zone, now))
                for each in selectors.overrides_ahead(row, now=now)
            ],
            strangers=planning.strangers(row.layers),
            used_by=selectors.chains_with(row.key),
            history=list(events.about(f"schedule:{row.key}")[:HISTORY]),
            may_change=user.has_perm("oncall.change_schedule"),
            may_take=user.has_perm("oncall.take_shift"),
            renew_every=15,
            **kwargs,
        )


@admin.register(Schedule)
class ScheduleAdmin(ReadOnlyAdmin):
    heading = "On call"
    page = SchedulePage

    def get_urls(self) -> list[URLPattern]:
        """One address for each form and dialog, before Django's own, which take any path for a row."""
        wrap = self.admin_site.admin_view
        views: dict[str, tuple[str, Any]] = {
            "schedule_add": ("add/", AddSchedule),
            "schedule_edit": ("<int:pk>/edit/", ChangeSchedule),
            "schedule_remove": ("<int:pk>/remove/", RemoveSchedule),
            "schedule_fetch": ("<int:pk>/fetch/", FetchFeed),
            "take_shift": ("<int:pk>/take/", TakeShift),
            "give_back": ("<int:pk>/override/<int:override>/give-back/", GiveBack),
        }
        own = [
            path(where, wrap(view.as_view(model_admin=self)), name=f"oncall_{name}")
            for name, (where, view) in views.items()
        ]
        return [*own, path("key/<slug:key>/", wrap(_by_key), name="oncall_schedule_by_key"), *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return Board.as_view(model_admin=self)(request)


def _by_key(request: HttpRequest, key: str) -> HttpResponse:
    """The page of a schedule by the key that events know."""
    if not request.user.has_perm("oncall.view_schedule"):
        raise PermissionDenied
    try:
        row = selectors.schedule_of(key, now=timezone.now())
    except NotFound as error:
        raise Http404(str(error)) from error
    return redirect("admin:oncall_schedule_change", row.pk)
