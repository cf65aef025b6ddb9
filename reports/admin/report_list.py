"""The archive of the reports, and where their pages are."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter

from core import beside
from core.admin.read_only import ReadOnlyAdmin
from core.templatetags.screen import NOTHING, badge, environment
from reports.admin import files, words
from reports.admin.commands import COMMANDS, MAKE, ReportCommand
from reports.admin.comparing import ComparePage
from reports.admin.making_form import MakeView
from reports.admin.report_page import PrintPage, ReportPage
from reports.models import Report
from reports.selectors import reports


@admin.register(Report)
class ReportAdmin(ReadOnlyAdmin):
    heading = "Weekly reports"
    page = ReportPage
    list_display = ("what", "headlined", "where", "standing", "signed_by")
    list_display_links = None
    list_filter = (
        ("environment", RelatedDropdownFilter),
        ("state", ChoicesDropdownFilter),
        ("origin", ChoicesDropdownFilter),
    )
    list_filter_submit = True
    list_fullwidth = True
    list_before_template = "reports/list_head.html"
    change_list_template = "reports/reports.html"
    search_fields = ("title", "headline", "remarks__text")
    search_help_text = "Time, headline or comment"
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Report]:
        return reports.reports()

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        return ("-end", "-pk")

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        views: dict[str, tuple[str, Any]] = {
            "make": ("make/", MakeView),
            "print": ("<int:pk>/print/", PrintPage),
            "compare": ("<int:pk>/compare/", ComparePage),
            **{view.name: (f"<int:pk>/{view.name.replace('_', '-')}/", view) for view in _commands()},
        }
        own = [
            path(where, wrap(view.as_view(model_admin=self)), name=f"reports_{name}")
            for name, (where, view) in views.items()
        ]
        table = path("<int:pk>/<slug:table>.csv", wrap(files.table), name="reports_table")
        document = path("<int:pk>/report.json", wrap(files.document), name="reports_json")
        return [*own, table, document, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        setup = reports.setup()
        context = {"may_make": request.user.has_perm(MAKE), "setup": setup, **(extra_context or {})}
        if setup is not None and setup.environments:
            zone = setup.zone or timezone.get_default_timezone_name()
            context["next_at"] = setup.schedule(zone).next(timezone.now())
        shown: HttpResponse = super().changelist_view(request, {"now": timezone.now(), **context})
        return shown

    @admin.display(description="Time", ordering="end")
    def what(self, row: Report) -> SafeString:
        return format_html(
            '<span><a class="ops-link" href="{}">{}</a><br><span class="ops-soft ops-small">{}</span></span>',
            reverse("admin:reports_report_change", args=[row.pk]),
            row.title,
            "by the clock" if row.origin == "weekly" else f"by {row.made_by}",
        )

    @admin.display(description="In short")
    def headlined(self, row: Report) -> SafeString:
        urgent = badge(f"{row.urgent} now", "bad", "priority_high") if row.urgent else ""
        return format_html('<span class="ops-row-text">{} {}</span>', urgent, row.headline)

    @admin.display(description="Environment", ordering="environment__position")
    def where(self, row: Report) -> SafeString:
        return environment(row.environment)

    @admin.display(description="State", ordering="state")
    def standing(self, row: Report) -> SafeString:
        return words.state_badge(row.state)

    @admin.display(description="Signed off")
    def signed_by(self, row: Report) -> SafeString | str:
        signed: int = row.signed  # type: ignore[attr-defined]  # annotated
        return badge(f"by {signed}", "ok", "verified") if signed else NOTHING


def _commands() -> list[type[ReportCommand]]:
    return list(COMMANDS)


def _page_of(key: str, where: str) -> str:
    """`report:weekly` is the setup, which has no page."""
    return reverse("admin:reports_report_change", args=[key]) if key.isdecimal() else ""


beside.add_page("report", _page_of)
