"""Errors: the list of episodes, one of them, and ending it by hand."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import F, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter, DropdownFilter, RelatedDropdownFilter

from core import beside, environments, moments
from core.admin.confirm import ConfirmView, Effect
from core.admin.read_only import ReadOnlyAdmin, Screen, person
from core.errors import NotFound
from core.templatetags.screen import action, badge, environment, number
from monitoring.admin.handling import HandlingPage
from monitoring.domain.errors import QUIET
from monitoring.domain.severity import Severity
from monitoring.models import ErrorEpisode
from monitoring.selectors.errors import episode, episodes
from monitoring.services import errors

LOOK = {
    Severity.CRITICAL: ("bad", "priority_high"),
    Severity.HIGH: ("bad", "error"),
    Severity.MEDIUM: ("warn", "warning"),
    Severity.LOW: ("mute", "info"),
}
PERMISSION = "monitoring.resolve_errorepisode"


def severity(row: ErrorEpisode) -> SafeString:
    return badge(row.severity, *LOOK[Severity(row.severity)])


def standing(row: ErrorEpisode) -> SafeString:
    if row.resolved_at is None:
        return badge("open", "warn", "pending")
    return badge("resolved", "ok", "task_alt")


def title(row: ErrorEpisode) -> str:
    """`atomicMeltOperations, variant on`."""
    name = row.feature or "nctool"
    return f"{name}, variant {row.variant}" if row.variant else name


def find(pk: int) -> ErrorEpisode:
    try:
        return episode(pk)
    except NotFound as error:
        raise Http404(str(error)) from error


class ErrorPage(Screen):
    permission_required = "monitoring.view_errorepisode"
    template_name = "ops/base.html"
    live_template = "monitoring/error_live.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        row = find(self.kwargs["pk"])
        self.title = f"{row.severity} errors of {title(row)}"
        where = row.environment.key
        series = reverse("admin:monitoring_series_changelist")
        return super().get_context_data(
            error=row,
            severity=severity(row),
            standing=standing(row),
            lasted=((row.resolved_at or timezone.now()) - row.first_seen).total_seconds(),
            quiet=QUIET[Severity(row.severity)],
            flag_url=beside.page_of(f"flag:{row.feature}", where) if row.feature else "",
            series_url=f"{series}?environment__id__exact={row.environment_id}&q=melt_errors_total",
            may_resolve=row.resolved_at is None and self.request.user.has_perm(PERMISSION),
            **kwargs,
        )


class ResolveError(ConfirmView):
    permission_required = PERMISSION

    @property
    def row(self) -> ErrorEpisode:
        return episode(self.kwargs["pk"])

    def effect(self) -> Effect:
        row = self.row
        sentences = [
            f"{row.count:,} {row.severity} errors of {title(row)} are said to be over.",
            "Nothing is switched, and no trigger is re-armed. The next error of this kind opens a new entry.",
        ]
        return Effect("Resolve these errors", sentences, submit="Resolve", environment=row.environment)

    def get_form(self, form_class: Any = None) -> forms.Form:
        form = super().get_form(form_class)
        form.fields["reason"].label = "What was found or done"
        return form

    def field_of(self, error: Exception) -> str | None:
        return "reason" if getattr(error, "field", None) == "note" else None

    def perform(self, values: dict[str, Any]) -> str:
        pk, actor = self.kwargs["pk"], person(self.request)
        row = errors.resolve(pk, note=values["reason"], actor=actor, now=timezone.now())
        return f"The {row.severity} errors of {title(row)} are resolved."

    def back(self) -> str:
        return reverse("admin:monitoring_errorepisode_change", args=[self.kwargs["pk"]])


class StandingFilter(DropdownFilter):
    title = "standing"
    parameter_name = "standing"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> list[tuple[str, str]]:
        return [("open", "Open"), ("resolved", "Resolved")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[ErrorEpisode]) -> QuerySet[ErrorEpisode]:
        if self.value() in ("open", "resolved"):
            return queryset.filter(resolved_at__isnull=self.value() == "open")
        return queryset


@admin.register(ErrorEpisode)
class ErrorAdmin(ReadOnlyAdmin):
    heading = "Errors"
    page = ErrorPage
    list_display = ("how_bad", "what", "where", "many", "first", "last", "state", "commands")
    list_display_links = None
    list_filter = (
        ("environment", RelatedDropdownFilter),
        ("severity", ChoicesDropdownFilter),
        StandingFilter,
    )
    list_filter_submit = True
    list_fullwidth = True
    search_fields = ("feature", "variant", "note")
    search_help_text = "Feature, variant or note"
    show_full_result_count = False
    list_before_template = "monitoring/errors_head.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[ErrorEpisode]:
        return episodes().order_by(F("resolved_at").desc(nulls_first=True), "-first_seen", "-pk")

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        return self.list_display if request.user.has_perm(PERMISSION) else self.list_display[:-1]

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        return ()  # that of the query: what is open comes first

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("handling/", wrap(HandlingPage.as_view(model_admin=self)), name="monitoring_error_handling"),
            path("of/<slug:environment>/<str:severity>/", wrap(_of), name="monitoring_error_of"),
            path("<int:pk>/resolve/", wrap(ResolveError.as_view(model_admin=self)), name="monitoring_error_resolve"),
            *super().get_urls(),
        ]

    @admin.display(description="Severity", ordering="severity")
    def how_bad(self, row: ErrorEpisode) -> SafeString:
        address = reverse("admin:monitoring_errorepisode_change", args=[row.pk])
        return format_html('<a href="{}">{}</a>', address, severity(row))

    @admin.display(description="Feature", ordering="feature")
    def what(self, row: ErrorEpisode) -> SafeString:
        address = reverse("admin:monitoring_errorepisode_change", args=[row.pk])
        return format_html('<a class="ops-link" href="{}">{}</a>', address, title(row))

    @admin.display(description="Environment", ordering="environment__position")
    def where(self, row: ErrorEpisode) -> SafeString:
        return environment(row.environment)

    @admin.display(description="Errors", ordering="count")
    def many(self, row: ErrorEpisode) -> SafeString:
        return format_html('<span class="ops-num">{}</span>', number(row.count))

    @admin.display(description="First seen", ordering="first_seen")
    def first(self, row: ErrorEpisode) -> SafeString:
        return _when(row.first_seen)

    @admin.display(description="Last seen", ordering="last_seen")
    def last(self, row: ErrorEpisode) -> SafeString:
        return _when(row.last_seen)

    @admin.display(description="Standing", ordering="resolved_at")
    def state(self, row: ErrorEpisode) -> SafeString:
        lasted = moments.span((row.resolved_at or timezone.now()) - row.first_seen)
        word = "for" if row.resolved_at is None else "after"
        return format_html('{} <span class="ops-soft ops-small">{} {}</span>', standing(row), word, lasted)

    @admin.display(description="Change")
    def commands(self, row: ErrorEpisode) -> SafeString | str:
        if row.resolved_at is not None:
            return "–"
        return action(reverse("admin:monitoring_error_resolve", args=[row.pk]), "Resolve", "task_alt", "", "small")


def _when(at: Any) -> SafeString:
    now = timezone.localtime()
    exact, near = moments.clock(at, now=now), moments.relative(at, now=now)
    return format_html('<time datetime="{}" title="{}">{}</time>', at.isoformat(), near, exact)


def _of(request: HttpRequest, environment: str, severity: str) -> HttpResponse:
    """The errors of a severity in an environment that is known by its key, as events know them."""
    if not request.user.has_perm("monitoring.view_errorepisode"):
        raise PermissionDenied
    try:
        pk = environments.get(environment).pk
    except NotFound as error:
        raise Http404(str(error)) from error
    if severity not in list(Severity):
        raise Http404(f"There is no severity {severity}.")
    chosen = f"environment__id__exact={pk}&severity__exact={severity}"
    return redirect(f"{reverse('admin:monitoring_errorepisode_changelist')}?{chosen}")


def _page_of(key: str, where: str) -> str:
    return reverse("admin:monitoring_error_of", args=[where, key]) if where else ""


beside.add_page("error", _page_of)
