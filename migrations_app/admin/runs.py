"""Migrations: what there is in each environment, the list of the runs, and where their pages are."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter, DropdownFilter

from core import environments, moments
from core.admin.read_only import ReadOnlyAdmin
from core.errors import NotFound
from core.templatetags.screen import NOTHING, badge, environment
from migrations_app import selectors
from migrations_app.adapters import modules, target
from migrations_app.admin import cards, words
from migrations_app.admin.asking import PlanView
from migrations_app.admin.journal_pages import DocumentPage, DocumentsPage
from migrations_app.admin.run_page import RunPage
from migrations_app.admin.steering import COMMANDS, REQUEST
from migrations_app.domain.states import Direction, LogStatus, RunState
from migrations_app.models import MigrationLog, MigrationRun
from migrations_app.selectors import runs_shown

VIEW = "migrations_app.view_migrationrun"


class EnvironmentFilter(DropdownFilter):
    """By its key, as the switch above the list has it."""

    title = "environment"
    parameter_name = "environment"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> list[tuple[str, str]]:
        return [(row.key, row.name) for row in environments.ordered()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[MigrationRun]) -> QuerySet[MigrationRun]:
        return queryset.filter(environment__key=self.value()) if self.value() else queryset


@admin.register(MigrationRun)
class MigrationRunAdmin(ReadOnlyAdmin):
    heading = "Migrations"
    page = RunPage
    list_display = ("what", "where", "standing", "done", "people", "when")
    list_display_links = None
    list_filter = (EnvironmentFilter, ("state", ChoicesDropdownFilter))
    list_filter_submit = True
    list_fullwidth = True
    list_before_template = "migrations_app/runs_head.html"
    change_list_template = "migrations_app/runs.html"
    search_fields = ("uid", "name", "reason", "requested_by")
    search_help_text = "Id, name, reason or who asked"
    show_full_result_count = False
    ordering = ("-id",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[MigrationRun]:
        return runs_shown.listed()

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        pages: list[tuple[str, type[Any], str]] = [
            ("plan/", PlanView, "plan"),
            ("<int:pk>/documents/", DocumentsPage, "documents"),
            ("<int:pk>/documents/<int:seq>/<int:position>/", DocumentPage, "document"),
            *((f"<int:pk>/{view.name}/", view, view.name) for view in COMMANDS),
        ]
        own = [
            path(at, wrap(view.as_view(model_admin=self)), name=f"migrations_app_{name}") for at, view, name in pages
        ]
        by_id = path("id/<slug:uid>/", wrap(_by_id), name="migrations_app_run_by_id")
        return [*own, by_id, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if not request.user.has_perm(VIEW):
            raise PermissionDenied
        known, chosen = list(environments.ordered()), request.GET.get("environment", "")
        shown = [row for row in known if row.key == chosen]
        shown = shown or [row for row in reversed(known) if target.is_set_up(row.key)]
        more = {
            "tabs": [("All", _query(request.GET, ""), not chosen)]
            + [(row.name, _query(request.GET, row.key), row.key == chosen) for row in known],
            "sections": cards.sections(shown, may_request=request.user.has_perm(REQUEST)),
            "broken": modules.broken(),
            "now": timezone.now(),
            **(extra_context or {}),
        }
        response: HttpResponse = super().changelist_view(request, more)
        return response

    @admin.display(description="Migration", ordering="id")
    def what(self, row: MigrationRun) -> SafeString:
        return format_html(
            '<span><a class="ops-link" href="{}">{}</a><br><span class="ops-soft ops-small">{} · {}</span></span>',
            reverse("admin:migrations_app_migrationrun_change", args=[row.pk]),
            row.title,
            ", ".join(row.phases),
            row.uid,
        )

    @admin.display(description="Environment", ordering="environment__position")
    def where(self, row: MigrationRun) -> SafeString:
        return environment(row.environment)

    @admin.display(description="State", ordering="state")
    def standing(self, row: MigrationRun) -> SafeString:
        way = ("up", "mute", "arrow_upward") if row.direction == Direction.UP else ("down", "mute", "arrow_downward")
        return format_html("{} {}", badge(*words.LOOK[state_of(row)]), badge(*way))

    @admin.display(description="Documents")
    def done(self, row: MigrationRun) -> SafeString | str:
        count = changed(row)
        return NOTHING if count is None else format_html('<span class="ops-num">{}</span>', f"{count:,}")

    @admin.display(description="People")
    def people(self, row: MigrationRun) -> SafeString:
        said = f"approved by {row.approved_by}" if row.approved_by else ""
        return format_html(
            '<span>{}<br><span class="ops-soft ops-small">{}</span></span>', f"asked by {row.requested_by}", said
        )

    @admin.display(description="When", ordering="requested_at")
    def when(self, row: MigrationRun) -> SafeString | str:
        now, at, took = timezone.localtime(), row.started_at or row.requested_at, cards.took(row)
        return format_html(
            '<span><time class="ops-small" datetime="{}" title="{}">{} {}</time>{}</span>',
            at.isoformat(),
            moments.clock(at, now=now),
            "began" if row.started_at else "asked",
            moments.relative(at, now=now),
            ""
            if took is None
            else format_html('<br><span class="ops-small ops-soft">took {}</span>', words.length(took)),
        )


@admin.register(MigrationLog)
class MigrationLogAdmin(ReadOnlyAdmin):
    """One row for each phase of each run."""

    heading = "Log of the migrations"
    list_display = ("whose", "phase", "standing", "began", "ended", "took", "back")
    list_display_links = None
    list_filter = (("status", ChoicesDropdownFilter), ("phase", ChoicesDropdownFilter))
    list_filter_submit = True
    list_fullwidth = True
    search_fields = ("migration_id", "error")
    search_help_text = "Id of the run, or error"
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[MigrationLog]:
        return MigrationLog.objects.order_by("-id")

    @admin.display(description="Run", ordering="id")
    def whose(self, row: MigrationLog) -> SafeString:
        url = reverse("admin:migrations_app_migrationrun_change", args=[row.run_id])
        return format_html('<a class="ops-link" href="{}">{}</a>', url, row.migration_id)

    @admin.display(description="Began", ordering="start_time")
    def began(self, row: MigrationLog) -> SafeString | str:
        return _clock(row.start_time)

    @admin.display(description="Ended", ordering="end_time")
    def ended(self, row: MigrationLog) -> SafeString | str:
        return _clock(row.end_time)

    @admin.display(description="Took", ordering="duration")
    def took(self, row: MigrationLog) -> SafeString | str:
        return NOTHING if row.duration is None else f"{row.duration / 1000:,.3f} s"

    @admin.display(description="Rolled back", ordering="rollback_at")
    def back(self, row: MigrationLog) -> SafeString | str:
        return _clock(row.rollback_at)

    @admin.display(description="Status", ordering="status")
    def standing(self, row: MigrationLog) -> SafeString:
        return badge(*words.LOG_LOOK[LogStatus(row.status)])


def state_of(row: MigrationRun) -> RunState:
    """As it stands now: a request that nobody decided on in time is closed by the clock a little later."""
    state = RunState(row.state)
    return RunState.EXPIRED if state is RunState.REQUESTED and timezone.now() >= row.expires_at else state


def changed(row: MigrationRun) -> int | None:
    """The documents that a run has changed, or that it has put back; None before it began."""
    if row.started_at is None:
        return None
    if row.direction == Direction.DOWN:
        return sum(int(row.result.get(name, 0)) for name in ("restored", "merged"))
    return sum(map(int, row.result.get("changed", {}).values())) or int(row.progress.get("done", 0))


def _clock(at: datetime | None) -> SafeString | str:
    if at is None:
        return NOTHING
    return format_html('<time datetime="{}">{}</time>', at.isoformat(), moments.clock(at, now=timezone.localtime()))


def _query(given: QueryDict, key: str) -> str:
    query = given.copy()
    query.pop("p", None)
    query["environment"] = key
    if not key:
        query.pop("environment")
    return query.urlencode()


def _by_id(request: HttpRequest, uid: str) -> HttpResponse:
    """The page of a run by the id that people, logs and events know."""
    if not request.user.has_perm(VIEW):
        raise PermissionDenied
    try:
        row = selectors.get(uid)
    except NotFound as error:
        raise Http404(str(error)) from error
    return redirect("admin:migrations_app_migrationrun_change", row.pk)
