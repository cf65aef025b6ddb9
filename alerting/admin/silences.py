"""Silences: which hold, who made them and why, and ending one."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import Http404, HttpRequest
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import RelatedDropdownFilter

from alerting import selectors
from alerting.admin import words
from alerting.models import Silence
from alerting.services import alerts
from core import beside
from core.admin.confirm import ConfirmView, Effect
from core.admin.read_only import ReadOnlyAdmin, person
from core.errors import NotFound
from core.templatetags.screen import action, badge, environment

PERMISSION = "alerting.acknowledge_alert"


class EndSilence(ConfirmView):
    permission_required = PERMISSION

    def effect(self) -> Effect:
        try:
            row = selectors.silence(self.kwargs["pk"])
        except NotFound as error:
            raise Http404(str(error)) from error
        sentences = ["People are told of alerts that match again, of those that fire already within 15 seconds."]
        return Effect("End the silence", sentences, "End it", environment=row.environment)

    def perform(self, values: dict[str, Any]) -> str:
        alerts.end_silence(self.kwargs["pk"], reason=values["reason"], actor=person(self.request), now=timezone.now())
        return "The silence is over."

    def back(self) -> str:
        return reverse("admin:alerting_silence_changelist")


@admin.register(Silence)
class SilenceAdmin(ReadOnlyAdmin):
    heading = "Silences"
    list_display = ("match", "where", "holds", "begins", "ends", "why", "by", "commands")
    list_display_links = None
    list_filter = (("environment", RelatedDropdownFilter),)
    list_filter_submit = True
    list_fullwidth = True
    search_fields = ("reason", "created_by")
    show_full_result_count = False
    list_before_template = "alerting/silences_head.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Silence]:
        return selectors.silences()

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        return self.list_display if request.user.has_perm(PERMISSION) else self.list_display[:-1]

    def get_urls(self) -> list[URLPattern]:
        end = self.admin_site.admin_view(EndSilence.as_view(model_admin=self))
        return [path("<int:pk>/end/", end, name="alerting_silence_end"), *super().get_urls()]

    @admin.display(description="Alerts that match")
    def match(self, row: Silence) -> SafeString:
        rows = [(one["name"], one["op"], one["value"]) for one in row.matchers]
        return format_html_join(" ", '<code class="ops-mono">{}{}{}</code>', rows)

    @admin.display(description="Environment", ordering="environment__position")
    def where(self, row: Silence) -> SafeString:
        return environment(row.environment)

    @admin.display(description="State")
    def holds(self, row: Silence) -> SafeString:
        now = timezone.now()
        if row.ended_at is not None or row.ends_at <= now:
            return badge("over", "mute", "notifications")
        return (
            badge("holds", "warn", "notifications_paused") if row.starts_at <= now else badge("ahead", "info", "event")
        )

    @admin.display(description="Begins", ordering="starts_at")
    def begins(self, row: Silence) -> SafeString | str:
        return words.when(row.starts_at)

    @admin.display(description="Ends", ordering="ends_at")
    def ends(self, row: Silence) -> SafeString | str:
        return words.when(row.ended_at or row.ends_at)

    @admin.display(description="Reason", ordering="reason")
    def why(self, row: Silence) -> str:
        return row.reason

    @admin.display(description="By", ordering="created_by")
    def by(self, row: Silence) -> str:
        return row.created_by

    @admin.display(description="Change")
    def commands(self, row: Silence) -> SafeString | str:
        if row.ended_at is not None or row.ends_at <= timezone.now():
            return "–"
        return action(reverse("admin:alerting_silence_end", args=[row.pk]), "End", "notifications", "", "small")


beside.add_page("silence", lambda key, where: reverse("admin:alerting_silence_changelist"))
