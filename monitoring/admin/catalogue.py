"""The catalogue: what is measured, what it means, and what it stands at."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import DropdownFilter

from core import beside
from core.admin.read_only import ReadOnlyAdmin, is_number
from core.templatetags.screen import badge, number
from monitoring import selectors
from monitoring.models import Metric
from monitoring.services.catalogue import entry_of

TONES = {"critical": ("bad", "error"), "warning": ("warn", "warning"), "": ("ok", "check")}


class GroupFilter(DropdownFilter):
    title = "group"
    parameter_name = "group"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> list[tuple[str, str]]:
        found = dict.fromkeys(Metric.objects.order_by("position").values_list("group", flat=True))
        return [(group, group) for group in found]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Metric]) -> QuerySet[Metric]:
        return queryset.filter(group=self.value()) if self.value() else queryset


@admin.register(Metric)
class MetricAdmin(ReadOnlyAdmin):
    heading = "Catalogue"
    list_display = ("what", "meaning_of", "group", "now_at", "bands", "owner")
    list_display_links = None
    list_filter = (GroupFilter,)
    list_filter_submit = True
    list_fullwidth = True
    search_fields = ("key", "title", "meaning", "query")
    show_full_result_count = False
    list_per_page = 100

    def get_queryset(self, request: HttpRequest) -> QuerySet[Metric]:
        return selectors.catalogue()

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        self._now = selectors.standing()
        response: HttpResponse = super().changelist_view(request, extra_context)
        return response

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        metric = Metric.objects.filter(pk=object_id).first() if is_number(object_id) else None
        explorer = reverse("admin:monitoring_explore")
        return redirect(f"{explorer}?metric={metric.key}" if metric else explorer)

    @admin.display(description="Metric", ordering="title")
    def what(self, row: Metric) -> SafeString:
        address = f"{reverse('admin:monitoring_explore')}?metric={row.key}"
        trouble = badge(row.error, "bad", "error") if row.error else ""
        return format_html(
            '<a class="ops-link ops-strong" href="{}">{}</a><br><code class="ops-mono">{}</code> {}',
            address,
            row.title,
            row.key,
            trouble,
        )

    @admin.display(description="Means")
    def meaning_of(self, row: Metric) -> SafeString:
        query = format_html('<br><code class="ops-mono ops-small">{}</code>', row.query) if row.query else ""
        return format_html("{}{}", row.meaning, query)

    @admin.display(description="Now")
    def now_at(self, row: Metric) -> SafeString:
        entry = entry_of(row)
        found = [(where, value) for where, value in self._now.get(row.key, [])]
        if not found:
            return badge("no data", "warn", "signal_disconnected")
        shown = [
            (where, badge(f"{number(value)} {row.unit}".strip(), *TONES[entry.band(value)])) for where, value in found
        ]
        return format_html_join(SafeString("<br>"), '<span class="ops-small">{}</span> {}', shown)

    @admin.display(description="Bands")
    def bands(self, row: Metric) -> str:
        named = [("warning", row.warning), ("critical", row.critical)]
        told = [f"{name} {number(value)} {row.unit}".strip() for name, value in named if value is not None]
        return ", ".join(told) or "–"


def _page_of(key: str, where: str) -> str:
    return f"{reverse('admin:monitoring_explore')}?metric={key}"


beside.add_page("metric", _page_of)
