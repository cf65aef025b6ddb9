"""The inbox: change requests, and the addresses of everything one can do with them."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from unfold.contrib.filters.admin import DropdownFilter, RelatedDropdownFilter

from approvals import selectors
from approvals.admin import words
from approvals.admin.command import DECIDE
from approvals.admin.deciding import COMMANDS
from approvals.admin.request_page import RequestPage
from approvals.admin.undo import UndoView
from approvals.domain import approving, schedule
from approvals.domain.states import LIVE, RequestState
from approvals.models import ChangeRequest
from core import moments
from core.admin.read_only import ReadOnlyAdmin
from core.templatetags.screen import NOTHING, badge, environment

TABS = {"": "Live", "waits": "Waits for me", "mine": "Mine", "approved": "Approved", "closed": "Closed", "all": "All"}
LINES = 3


class TabFilter(admin.SimpleListFilter):
    """The tabs above the list; shown there and not among the filters."""

    title = "tab"
    parameter_name = "tab"
    template = "approvals/no_filter.html"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> list[tuple[str, str]]:
        return [(key, name) for key, name in TABS.items() if key]

    def queryset(self, request: HttpRequest, queryset: QuerySet[ChangeRequest]) -> QuerySet[ChangeRequest]:
        tab = self.value() or ""
        name = request.user.get_username()
        if tab == "waits":
            decides = request.user.has_perm(DECIDE)
            waiting = selectors.waiting(name, now=timezone.now()) if decides else []
            return queryset.filter(pk__in=[row.pk for row in waiting])
        kept = {
            "": Q(state__in=LIVE),
            "mine": Q(requested_by=name),
            "approved": Q(state=RequestState.APPROVED),
            "closed": ~Q(state__in=LIVE),
            "all": Q(),
        }
        return queryset.filter(kept.get(tab, Q()))


class FlagFilter(DropdownFilter):
    """Flags that some request is about."""

    title = "flag"
    parameter_name = "flag"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> list[tuple[str, str]]:
        found = ChangeRequest.objects.exclude(flags=None).order_by("flags__key")
        return [(key, key) for key in found.values_list("flags__key", flat=True).distinct()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[ChangeRequest]) -> QuerySet[ChangeRequest]:
        return queryset.filter(flags__key=self.value()) if self.value() else queryset


@admin.register(ChangeRequest)
class ChangeRequestAdmin(ReadOnlyAdmin):
    heading = "Change requests"
    page = RequestPage
    list_display = ("what", "where", "told", "said", "standing", "when")
    list_display_links = None
    list_filter = (TabFilter, ("environment", RelatedDropdownFilter), FlagFilter)
    list_filter_submit = True
    list_fullwidth = True
    change_list_template = "approvals/requests.html"
    list_before_template = "approvals/list_head.html"
    search_fields = ("title", "reason", "requested_by")
    search_help_text = "Title, reason or who asked"
    show_full_result_count = False
    ordering = ("-id",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ChangeRequest]:
        """Without what only a page shows: it may hold very long lists."""
        return selectors.requests().defer(*selectors.LONG)

    def get_urls(self) -> list[URLPattern]:
        commands = [
            path(
                f"<int:pk>/{view.name}/",
                self.admin_site.admin_view(view.as_view(model_admin=self)),
                name=f"approvals_request_{view.name}",
            )
            for view in COMMANDS
        ]
        undo = self.admin_site.admin_view(UndoView.as_view(model_admin=self))
        return [*commands, path("undo/<int:event>/", undo, name="approvals_undo"), *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        chosen = request.GET.get("tab", "")
        decides = request.user.has_perm(DECIDE)
        waits = selectors.count_waiting(request.user.get_username(), now=timezone.now()) if decides else None
        more = {"tabs": _tabs(request.GET, waits), "empty": _EMPTY.get(chosen, _EMPTY[""]), **(extra_context or {})}
        shown: HttpResponse = super().changelist_view(request, more)
        return shown

    @admin.display(description="Request", ordering="id")
    def what(self, row: ChangeRequest) -> SafeString:
        return format_html(
            '<span><a class="ops-link" href="{}">{}</a><br>'
            '<span class="ops-soft ops-small">Request {} by {}, {}</span></span>',
            reverse("admin:approvals_changerequest_change", args=[row.pk]),
            row.title,
            row.pk,
            row.requested_by,
            moments.relative(row.created_at, now=timezone.localtime()),
        )

    @admin.display(description="Environment", ordering="environment__position")
    def where(self, row: ChangeRequest) -> SafeString:
        return environment(row.environment)

    @admin.display(description="Changes")
    def told(self, row: ChangeRequest) -> SafeString:
        told = words.summary(row)
        lines = [(line,) for line in told[:LINES]]
        if len(told) > LINES:
            lines.append((f"and {len(told) - LINES} more",))
        return format_html('<span class="ops-small">{}</span>', format_html_join(mark_safe("<br>"), "{}", lines))

    @admin.display(description="Approvals")
    def said(self, row: ChangeRequest) -> SafeString:
        people = approving.counting(row.approvals.all(), digest=row.digest, contributors=row.contributors)
        names = format_html('<br><span class="ops-soft ops-small">{}</span>', ", ".join(people)) if people else ""
        return format_html('<span><span class="ops-num">{} of {}</span>{}</span>', len(people), row.needed, names)

    @admin.display(description="State", ordering="state")
    def standing(self, row: ChangeRequest) -> SafeString:
        return badge(*words.LOOK[RequestState(row.state)])

    @admin.display(description="When")
    def when(self, row: ChangeRequest) -> SafeString | str:
        now = timezone.localtime()
        if row.applied_at:
            return _time("applied", row.applied_at, now)
        if row.closed_at:
            return _time(f"by {row.closed_by}", row.closed_at, now)
        if not selectors.is_live(row):
            return NOTHING
        lapses = _time("expires", row.expires_at, now)
        if row.apply_at is None:
            return lapses
        told = schedule.told(row.apply_at, row.zone)
        return format_html('<span><span class="ops-strong">applies {}</span><br>{}</span>', told, lapses)


def _time(verb: str, at: Any, now: Any) -> SafeString:
    return format_html(
        '<time class="ops-small" datetime="{}" title="{}">{} {}</time>',
        at.isoformat(),
        moments.clock(at, now=now),
        verb,
        moments.relative(at, now=now),
    )


_EMPTY = {
    "": (
        "Nothing waits",
        "When a rule asks for approval, the form that was refused offers to ask for it; the request is then here.",
    ),
    "waits": ("Nothing waits for you", "Requests that you may approve, and have not, are here."),
    "mine": ("You have asked for nothing", "What you ask for is here, also when it is closed."),
    "approved": ("Nothing is approved and not applied", "Requests that have their approvals are here, until applied."),
    "closed": ("Nothing is closed yet", "Requests that were applied, rejected or withdrawn, or expired, are here."),
    "all": ("Nobody has asked for anything yet", "A form that needs approval offers to ask for it."),
}


def _tabs(given: QueryDict, waits: int | None) -> list[tuple[str, str, bool]]:
    """Name, query and whether it is chosen, for each tab. Nothing waits for who may not approve: `waits` is None."""
    found = []
    for key, name in TABS.items():
        if key == "waits" and waits is None:
            continue
        query = given.copy()
        query.pop("p", None)
        query["tab"] = key
        if not key:
            query.pop("tab")
        found.append((f"{name} {waits}" if key == "waits" else name, query.urlencode(), given.get("tab", "") == key))
    return found
