"""News and how it travelled. What was given up can be tried again, what was drafted is approved or discarded."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.contrib import admin
from django.db.models import Exists, OuterRef, QuerySet
from django.http import Http404, HttpRequest
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter, DropdownFilter, RelatedDropdownFilter

import communications.selectors
from communications.admin.deciding import COMMANDS
from communications.admin.words import headline, headline_badge, state_badge
from communications.domain.states import AnnouncementState
from communications.models import Alert
from communications.selectors.plan import plan
from core import moments
from core.admin.read_only import ReadOnlyAdmin, Screen
from core.templatetags.screen import badge, environment

MOST_SHOWN = 4  # announcements in a row of the list


class AlertPage(Screen):
    permission_required = "communications.view_alert"
    template_name = "communications/alert.html"
    live_template = "communications/alert_live.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        alert = communications.selectors.alerts().filter(pk=self.kwargs["pk"]).first()
        if alert is None:
            raise Http404(f"There is no alert {self.kwargs['pk']}.")
        self.title = f"{headline(alert)}: {alert.feature}"
        user = self.request.user
        names = {planned.key: planned.audience.name for planned in plan()}
        rows = communications.selectors.sent_of(alert)
        drafts = [row for row in rows if row.state == AnnouncementState.DRAFT]
        first = {row.audience: row.pk for row in reversed(drafts)}
        several = [audience for audience, count in Counter(row.audience for row in drafts).items() if count > 1]
        return super().get_context_data(
            together=[first[audience] for audience in several],
            alert=alert,
            message=communications.selectors.message(alert),
            rows=[(row, names.get(row.audience, row.audience or "called by name"), state_badge(row)) for row in rows],
            any_audience=bool(names),
            may_retry=user.has_perm("communications.retry_announcement"),
            may_approve=user.has_perm("communications.approve_announcement"),
            **kwargs,
        )


class AnnouncementFilter(DropdownFilter):
    title = "announcement"
    parameter_name = "announcement"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> list[tuple[str, str]]:
        return [("dead", "Given up"), ("waiting", "Waiting"), ("draft", "To be approved")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Alert]) -> QuerySet[Alert]:
        found = {
            "dead": communications.selectors.dead,
            "waiting": communications.selectors.waiting,
            "draft": communications.selectors.drafts,
        }.get(self.value() or "")
        if found is None:
            return queryset
        return queryset.filter(Exists(found().order_by().filter(alert=OuterRef("pk"))))


@admin.register(Alert)
class AlertAdmin(ReadOnlyAdmin):
    heading = "Announcements"
    page = AlertPage
    list_display = ("what", "feature_", "where", "why", "delivered", "when")
    list_display_links = None
    list_filter = (("environment", RelatedDropdownFilter), ("type", ChoicesDropdownFilter), AnnouncementFilter)
    list_filter_submit = True
    list_fullwidth = True
    search_fields = ("feature", "event__reason", "event__actor")
    search_help_text = "Flag, reason or actor"
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Alert]:
        return communications.selectors.alerts()

    def get_urls(self) -> list[URLPattern]:
        commands = [
            path(
                f"announcement/<int:pk>/{command.name}/",
                self.admin_site.admin_view(command.as_view(model_admin=self)),
                name=f"communications_{command.name}",
            )
            for command in COMMANDS
        ]
        return [*commands, *super().get_urls()]

    @admin.display(description="What", ordering="type")
    def what(self, alert: Alert) -> SafeString:
        address = reverse("admin:communications_alert_change", args=[alert.pk])
        return format_html('<a href="{}">{}</a>', address, headline_badge(alert))

    @admin.display(description="About", ordering="feature")
    def feature_(self, alert: Alert) -> SafeString:
        address = reverse("admin:communications_alert_change", args=[alert.pk])
        return format_html('<a class="ops-link" href="{}">{}</a>', address, alert.feature)

    @admin.display(description="Environment", ordering="environment__position")
    def where(self, alert: Alert) -> SafeString | str:
        return environment(alert.environment) if alert.environment else "–"

    @admin.display(description="Why")
    def why(self, alert: Alert) -> SafeString:
        return format_html('<span class="ops-clip" title="{}">{}</span>', alert.event.reason, alert.event.reason[:140])

    @admin.display(description="Announcements")
    def delivered(self, alert: Alert) -> SafeString:
        rows = list(alert.announcements.all())
        if not rows:
            return badge("shown here only", "mute", "visibility")
        shown = format_html_join(" ", "{}", [(state_badge(row, channel=True),) for row in rows[:MOST_SHOWN]])
        more = len(rows) - MOST_SHOWN
        return format_html('{} <span class="ops-soft">+{}</span>', shown, more) if more > 0 else shown

    @admin.display(description="When", ordering="at")
    def when(self, alert: Alert) -> SafeString:
        now = timezone.localtime()
        return format_html(
            '<time datetime="{}" title="{}">{}</time>',
            alert.at.isoformat(),
            moments.relative(alert.at, now=now),
            moments.clock(alert.at, now=now),
        )
