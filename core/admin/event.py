"""The event log: who changed what, when and why. Only read here."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import DropdownFilter, RangeDateTimeFilter, RelatedDropdownFilter

from core import events, moments
from core.admin.read_only import ReadOnlyAdmin, Screen
from core.models import Event
from core.templatetags.history import kind_badge, kind_words, page, subject_key, who
from core.templatetags.screen import NOTHING, environment


class _Values(DropdownFilter):
    """The values a column has, as a drop-down."""

    field = ""

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> list[tuple[str, str]]:
        found = Event.objects.order_by(self.field).values_list(self.field, flat=True).distinct()
        return [(value, self.words(value)) for value in found]

    def words(self, value: str) -> str:
        return value

    def queryset(self, request: HttpRequest, queryset: QuerySet[Model]) -> QuerySet[Model]:
        if not self.value():
            return queryset
        known = self.value() in dict(self.lookup_choices)
        return queryset.filter(**{self.field: self.value()}) if known else queryset.none()


class KindFilter(_Values):
    title = "what happened"
    parameter_name = field = "kind"

    def words(self, value: str) -> str:
        return kind_words(value)


class ActorFilter(_Values):
    title = "who"
    parameter_name = field = "actor"


class SubjectFilter(_Values):
    title = "about"
    parameter_name = field = "subject"

    def words(self, value: str) -> str:
        return value.replace(":", " ", 1)


class EventPage(Screen):
    """One event with everything it holds."""

    permission_required = "core.view_event"
    template_name = "core/event.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        event = events.recent().filter(pk=self.kwargs["pk"]).first()
        if event is None:
            raise Http404(f"There is no event {self.kwargs['pk']}.")
        self.title = f"{kind_words(event.kind)}: {subject_key(event)}"
        data = {name: value for name, value in event.data.items() if value not in ([], {}, "")}
        return super().get_context_data(event=event, data=_readable(data), **kwargs)


def _readable(data: dict[str, Any]) -> list[tuple[str, Any]]:
    """Long lists, of npubs for example, by their number and their first ones."""
    return [(name, _short(value)) for name, value in data.items()]


def _short(value: Any) -> Any:
    if isinstance(value, list) and len(value) > 20:
        return f"{len(value):,}: {', '.join(map(str, value[:20]))}, …"
    return ", ".join(map(str, value)) if isinstance(value, list) else value


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin):
    heading = "Events"
    page = EventPage
    list_display = ("what", "about", "where", "by", "why", "when")
    list_display_links = None
    list_filter = (
        KindFilter,
        ("environment", RelatedDropdownFilter),
        ActorFilter,
        SubjectFilter,
        ("at", RangeDateTimeFilter),
    )
    list_filter_submit = True
    list_select_related = ("environment",)
    list_fullwidth = True
    search_fields = ("subject", "actor", "reason")
    search_help_text = "Subject, actor or reason"
    show_full_result_count = False
    ordering = ("-id",)

    @admin.display(description="What")
    def what(self, event: Event) -> SafeString:
        return format_html(
            '<a href="{}">{}</a>', reverse("admin:core_event_change", args=[event.pk]), kind_badge(event.kind)
        )

    @admin.display(description="About")
    def about(self, event: Event) -> SafeString:
        address = page(event)
        shown = subject_key(event)
        if not address:
            return format_html('<span class="ops-strong">{}</span>', shown)
        return format_html('<a class="ops-link" href="{}">{}</a>', address, shown)

    @admin.display(description="Environment")
    def where(self, event: Event) -> SafeString | str:
        return environment(event.environment) if event.environment else NOTHING

    @admin.display(description="Who")
    def by(self, event: Event) -> SafeString:
        return who(event)

    @admin.display(description="Why")
    def why(self, event: Event) -> SafeString | str:
        if not event.reason:
            return NOTHING
        return format_html('<span class="ops-clip" title="{}">{}</span>', event.reason, event.reason[:140])

    @admin.display(description="When")
    def when(self, event: Event) -> SafeString:
        now = timezone.localtime()
        return format_html(
            '<time datetime="{}" title="{}">{}</time>',
            event.at.isoformat(),
            moments.relative(event.at, now=now),
            moments.clock(event.at, now=now),
        )
