"""Data sources: every way in that is used, and how it stands."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import RelatedDropdownFilter

from core import beside, moments
from core.admin.confirm import ConfirmView, Effect
from core.admin.read_only import ReadOnlyAdmin
from core.templatetags.screen import action, badge, environment
from monitoring import selectors
from monitoring.domain.batch import MOST_SERIES
from monitoring.models import Source
from monitoring.services import pulling

PERMISSION = "monitoring.ask_source"
SHOWN = 20


class TestSource(ConfirmView):
    """Ask it now; nothing is stored."""

    permission_required = PERMISSION

    @property
    def source(self) -> Source:
        found = selectors.sources().filter(pk=self.kwargs["pk"]).first()
        if found is None:
            raise Http404(f"There is no data source {self.kwargs['pk']}.")
        return found

    def effect(self) -> Effect:
        source = self.source
        told = [f"{source.name} is asked now. Its answer is shown; nothing is stored."]
        return Effect(f"Ask {source.name}", told, "Ask now", environment=source.environment)

    def reason_required(self) -> bool:
        return False

    def get_form(self, form_class: Any = None) -> forms.Form:
        form = super().get_form(form_class)
        form.fields["reason"].widget = forms.HiddenInput()
        return form

    def perform(self, values: dict[str, Any]) -> str:
        answer = pulling.ask(self.source, at=timezone.now().timestamp())
        if answer.error:
            return f"It fails: {answer.error}"
        samples = [f"{one.name} {one.value:g}" for one in answer.gauges] + [
            f"{one.name} {one.value:g}" for one in answer.totals
        ]
        wrong = [f"{name}: {problem}" for name, problem in answer.problems.items()]
        return "It says: " + "; ".join([*samples[:SHOWN], *wrong])

    def back(self) -> str:
        return reverse("admin:monitoring_source_changelist")


@admin.register(Source)
class SourceAdmin(ReadOnlyAdmin):
    heading = "Data sources"
    list_display = ("what", "where", "how", "state", "said", "commands")
    list_display_links = None
    list_filter = (("environment", RelatedDropdownFilter),)
    list_filter_submit = True
    list_fullwidth = True
    search_fields = ("key", "name", "url")
    show_full_result_count = False
    list_before_template = "monitoring/sources_head.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Source]:
        return selectors.sources()

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        return self.list_display if request.user.has_perm(PERMISSION) else self.list_display[:-1]

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(TestSource.as_view(model_admin=self))
        return [path("<int:pk>/test/", view, name="monitoring_source_test"), *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        now = timezone.localtime()
        doors = [
            (one, moments.relative(one.last, now=now) if one.last else "never", one.silent(now))
            for one in selectors.doors(now=now)
        ]
        extra = {"doors": doors, "most": MOST_SERIES, **(extra_context or {})}
        response: HttpResponse = super().changelist_view(request, extra)
        return response

    @admin.display(description="Source", ordering="name")
    def what(self, row: Source) -> SafeString:
        return format_html('<span class="ops-strong">{}</span><br><code class="ops-mono">{}</code>', row.name, row.key)

    @admin.display(description="Environment", ordering="environment__position")
    def where(self, row: Source) -> SafeString:
        return environment(row.environment)

    @admin.display(description="Pulled from", ordering="url")
    def how(self, row: Source) -> SafeString:
        return format_html(
            '{}, every {} s<br><code class="ops-mono">{}</code>', row.get_kind_display(), row.interval, row.url
        )

    @admin.display(description="State")
    def state(self, row: Source) -> SafeString:
        if not row.enabled:
            return badge("off", "mute", "toggle_off")
        if row.error:
            since = moments.relative(row.failing_since, now=timezone.localtime()) if row.failing_since else ""
            return format_html("{}<br>{}", badge(f"fails since {since}", "bad", "cloud_off"), row.error)
        if row.tried_at is None:
            return badge("not asked yet", "warn", "help")
        return badge("answers", "warn" if row.problems else "ok", "cloud_done")

    @admin.display(description="Last answer")
    def said(self, row: Source) -> SafeString:
        if row.tried_at is None:
            return SafeString("–")
        near = moments.relative(row.tried_at, now=timezone.localtime())
        wrong = format_html_join("", "<br>{}: {}", sorted(row.problems.items()))
        return format_html("{} samples in {} ms, {}{}", row.samples, round(row.took_ms or 0), near, wrong)

    @admin.display(description="Change")
    def commands(self, row: Source) -> SafeString:
        return action(reverse("admin:monitoring_source_test", args=[row.pk]), "Ask now", "network_check", "", "small")


beside.add_page("source", lambda key, where: reverse("admin:monitoring_source_changelist"))
