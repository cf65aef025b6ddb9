"""The event log: who changed what, when and why. Only read here."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import DropdownFilter, RangeDateTimeFilter, RelatedDropdownFilter, TextFilter
from unfold.paginator import InfinitePaginator

from core import beside, events, exporting, moments, stored
from core.admin.read_only import ReadOnlyAdmin, Screen
from core.admin.recent import RecentPage
from core.models import Event
from core.templatetags.history import kind_badge, kind_words, subject_key, who
from core.templatetags.history import page as page_of
from core.templatetags.screen import NOTHING, environment

FRESH = timedelta(hours=1)  # so long the page of an event goes on to show what becomes of it


class _Values(DropdownFilter):
    """The values a column has, as a drop-down."""

    field = ""

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> list[tuple[str, str]]:
        return [(value, self.words(value)) for value in stored.values(self.field)]

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


class SubjectFilter(TextFilter):
    """Exactly this one: there are too many to choose from, and the index knows nothing shorter."""

    title = "about, such as flag:atomicMeltOperations"
    parameter_name = "subject"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Model]) -> QuerySet[Model]:
        return queryset.filter(subject=self.value().strip()) if self.value() else queryset


class EventPage(Screen):
    """One event with everything it holds."""

    permission_required = "core.view_event"
    template_name = "core/event.html"
    live_template = "core/event_parts.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        event = events.recent().filter(pk=self.kwargs["pk"]).first()
        if event is None:
            raise Http404(f"There is no event {self.kwargs['pk']}.")
        self.title = f"{kind_words(event.kind)}: {subject_key(event)}"
        data = {name: value for name, value in event.data.items() if value not in ([], {}, "")}
        now = timezone.now()
        parts = [part for part in beside.event_parts(event, now=now) if part]
        fresh = now - event.at < FRESH
        return super().get_context_data(
            event=event, data=_readable(data), parts=parts, renews=fresh and bool(parts), now=now, **kwargs
        )


def _readable(data: dict[str, Any]) -> list[tuple[str, Any]]:
    """Long lists, of npubs for example, by their number and their first ones."""
    return [(name, _short(value)) for name, value in data.items()]


def _short(value: Any) -> Any:
    if isinstance(value, list) and len(value) > 20:
        return f"{len(value):,}: {', '.join(map(str, value[:20]))}, …"
    return ", ".join(map(str, value)) if isinstance(value, list) else value


def download(found: QuerySet[Event], form: exporting.Form, *, name: str) -> StreamingHttpResponse:
    """Events as a file that is written while it is read from the database; at most a million of them."""
    rows = found.select_related("environment")[: exporting.MOST].iterator(chunk_size=500)
    response = StreamingHttpResponse(exporting.lines(rows, form), content_type=exporting.MEDIA_TYPES[form])
    response["Content-Disposition"] = f'attachment; filename="{name}.{form}"'
    return response


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
    paginator = InfinitePaginator  # counting a million rows takes longer than showing a page of them
    list_before_template = "core/event_head.html"

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        """By time where a time is asked for, else by number: each as an index has it."""
        by_time = any(name.startswith("at_") and value for name, value in request.GET.items())
        return ("-at", "-id") if by_time else ("-id",)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        parts = [part for part in beside.event_log_parts(now=timezone.now()) if part]
        context = {"parts": parts, "most": exporting.MOST, **(extra_context or {})}
        listed: HttpResponse = super().changelist_view(request, context)
        return listed

    def get_urls(self) -> list[URLPattern]:
        export = self.admin_site.admin_view(self.export_view)
        recent = self.admin_site.admin_view(RecentPage.as_view(model_admin=self))
        own = [
            path("recent/", recent, name="core_event_recent"),
            path("export.<str:form>", export, name="core_event_export"),
        ]
        return [*own, *super().get_urls()]

    def export_view(self, request: HttpRequest, form: str) -> HttpResponseBase:
        """What the list shows with these filters, all pages of it, as a file."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        if form not in list(exporting.Form):
            raise Http404(f"There is no export as {form}.")
        try:
            found = self.get_changelist_instance(request).queryset
        except IncorrectLookupParameters:
            return redirect(self.list_url())
        return download(found, exporting.Form(form), name=f"events-{timezone.now():%Y-%m-%d}")

    @admin.display(description="What")
    def what(self, event: Event) -> SafeString:
        return format_html(
            '<a href="{}">{}</a>', reverse("admin:core_event_change", args=[event.pk]), kind_badge(event.kind)
        )

    @admin.display(description="About")
    def about(self, event: Event) -> SafeString:
        address = page_of(event)
        shown = subject_key(event)
        if not address:
            return format_html('<span class="ops-strong">{}</span>', shown)
        return format_html('<a class="ops-link ops-long" href="{}">{}</a>', address, shown)

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
