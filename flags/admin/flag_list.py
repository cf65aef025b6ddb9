"""The flags, one row each, seen from one environment with the others beside it; and the addresses of all about one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.views import View

import flags.selectors
from core import beside, moments
from core.admin.read_only import ReadOnlyAdmin
from core.templatetags.screen import action, badge
from flags.admin import filters
from flags.admin.addresses import addresses
from flags.admin.bulk import BULK
from flags.admin.compare import ComparePage
from flags.admin.flag_page import FlagPage, why
from flags.admin.promote import PromoteView
from flags.admin.rows import Rows
from flags.admin.stale import StalePage
from flags.admin.why import WhyPage
from flags.domain.standing import share, standing
from flags.models import FlagState
from flags.selectors import listing


@admin.register(FlagState)
class FlagStateAdmin(ReadOnlyAdmin):
    heading = "Flags"
    page = FlagPage
    list_before_template = "flags/list_head.html"
    list_filter = (filters.EnvironmentFilter, filters.StateFilter, filters.StaleFilter, filters.TypeFilter)
    list_filter_submit = True
    list_display_links = None
    list_per_page = 50
    list_max_show_all = 50
    list_fullwidth = True
    search_fields = ("flag__key", "flag__name")
    search_help_text = "Key or name"
    show_full_result_count = False
    list_disable_select_all = False
    ordering = ("flag__key",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[FlagState]:
        return listing.listed()

    def get_list_display(self, request: HttpRequest) -> Sequence[Any]:
        here = filters.chosen(request)
        first, last = _rows(request).columns([row for row in filters.all_environments(request) if row != here])
        shown = [*first, "standing", "share", *last]
        return [*shown, "commands"] if request.user.has_perm("flags.operate_flagstate") else shown

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        found = super().get_changelist_instance(request)
        _rows(request).shown = found.result_list
        return found

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """What can be done to many at once, by those who may: each asks on a page of its own."""
        if not request.user.has_perm("flags.operate_flagstate"):
            return {}
        offered = {view.name: (_to_page(view.name), view.name, view.label) for view in BULK}
        here, above = filters.chosen(request), filters.above(request)
        if here is not None and above is not None:
            offered["promote"] = (_to_promotion(here.key, above.key), "promote", f"Promote to {above.name}…")
        return offered

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        more = {
            "quick": filters.quick(request),
            "here": filters.chosen(request),
            "may_operate": request.user.has_perm("flags.operate_flagstate"),
            **(extra_context or {}),
        }
        shown: HttpResponse = super().changelist_view(request, more)
        return shown

    def get_urls(self) -> list[URLPattern]:
        def screen(view: type[View]) -> Any:
            return self.admin_site.admin_view(view.as_view(model_admin=self))

        return [
            *addresses(screen),
            path("<int:pk>/why/", self.admin_site.admin_view(self.why_view), name="flags_why"),
            path("at/<slug:environment>/<str:key>/", self.admin_site.admin_view(self.at_view), name="flags_at"),
            path("compare/", screen(ComparePage), name="flags_compare"),
            path("promote/", screen(PromoteView), name="flags_promote"),
            path("why/", screen(WhyPage), name="flags_why_npub"),
            path("stale/", screen(StalePage), name="flags_stale"),
            *(path(f"many/{view.name}/", screen(view), name=f"flags_many_{view.name}") for view in BULK),
            *super().get_urls(),
        ]

    def why_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        return why(request, pk)

    def at_view(self, request: HttpRequest, environment: str, key: str) -> HttpResponse:
        """The page of a flag by its key, for links from events and alerts."""
        state = flags.selectors.states(environment).filter(flag__key=key).first()
        if state is None:
            return redirect(f"{self.list_url()}?q={key}")
        return redirect("admin:flags_flagstate_change", state.pk)

    @admin.display(description="State", ordering="enabled")
    def standing(self, state: FlagState) -> SafeString:
        found, now = standing(state), timezone.localtime()
        return format_html(
            '<span>{}<br><time class="ops-soft ops-small" datetime="{}" title="Changed {}">{}</time></span>',
            badge(found.word, found.tone, found.icon),
            state.changed_at.isoformat(),
            moments.clock(state.changed_at, now=now),
            moments.relative(state.changed_at, now=now),
        )

    @admin.display(description="Percentage", ordering="percentage")
    def share(self, state: FlagState) -> SafeString:
        address, count = reverse("admin:flags_allow_list", args=[state.pk]), f"{state.allow_count:,}"
        listed = format_html('<a class="ops-soft ops-small" href="{}">+ {} listed</a>', address, count)
        return format_html(
            '<span class="ops-share"><span class="ops-num">{}</span>'
            '<span class="ops-track" data-tone="{}" style="--share:{}"><i></i></span>'
            "{}</span>",
            share(state.percentage),
            "info" if state.enabled else "mute",
            float(state.percentage),
            listed if state.allow_count else "",
        )

    @admin.display(description="Change")
    def commands(self, state: FlagState) -> SafeString:
        toggle = (
            ("flags_disable", "Disable", "toggle_off") if state.enabled else ("flags_enable", "Enable", "toggle_on")
        )
        offered = [(*toggle, "", "icon"), ("flags_rollout", "Set %", "percent", "", "icon")]
        if state.enabled or state.percentage:
            offered.append(("flags_emergency", "Emergency disable", "emergency_home", "quiet-danger", "icon"))
        links = [(action(reverse(f"admin:{name}", args=[state.pk]), *look),) for name, *look in offered]
        return format_html('<span class="ops-commands">{}</span>', format_html_join("", "{}", links))


def _rows(request: HttpRequest) -> Rows:
    """One for each request: its columns and its cells."""
    found: Rows | None = getattr(request, "_rows", None)
    if found is None:
        found = request._rows = Rows(filters.chosen(request))  # type: ignore[attr-defined]
    return found


def _to_page(name: str) -> Any:
    """A list action that leads to the page which asks and does it. The selection travels in the address."""

    def lead(model_admin: Any, request: HttpRequest, queryset: QuerySet[FlagState]) -> HttpResponse:
        ids = ",".join(map(str, queryset.order_by("flag__key").values_list("pk", flat=True)))
        return redirect(f"{reverse(f'admin:flags_many_{name}')}?ids={ids}")

    return lead


def _to_promotion(source: str, target: str) -> Any:
    """A list action that leads to the preview of what a promotion of the selection would change."""

    def lead(model_admin: Any, request: HttpRequest, queryset: QuerySet[FlagState]) -> HttpResponse:
        keys = queryset.order_by("flag__key").values_list("flag__key", flat=True)
        query = QueryDict(mutable=True)
        query.update({"source": source, "target": target})
        query.setlist("flag", list(keys))
        return redirect(f"{reverse('admin:flags_promote')}?{query.urlencode()}")

    return lead


def _page(key: str, where: str) -> str:
    if where:
        return reverse("admin:flags_at", args=[where, key])
    return f"{reverse('admin:flags_flagstate_changelist')}?q={key}"


beside.add_page("flag", _page)
