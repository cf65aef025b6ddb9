"""The flags, one row for each environment, and the addresses of everything that can be done with one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.views import View
from unfold.contrib.filters.admin import DropdownFilter, RelatedDropdownFilter

import flags.selectors
from core import beside, environments, moments
from core.admin.read_only import ReadOnlyAdmin
from core.templatetags.screen import NOTHING, action, badge, environment
from flags.admin.allow_list import AllowListPage, EditAllowList
from flags.admin.commands import Disable, EmergencyDisable, Enable, SetParameters, SetRollout
from flags.admin.flag_page import FlagPage, why
from flags.domain.standing import share, standing
from flags.models import FlagState

STATES = {
    "on": Q(enabled=True),
    "partial": Q(enabled=True, percentage__lt=100),
    "off": Q(enabled=False),
    "halted": Q(enabled=False, disabled_at__isnull=False),
}
STATE_WORDS = {"on": "On", "partial": "On, not for everybody", "off": "Off", "halted": "Stopped in an emergency"}


class StateFilter(DropdownFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> list[tuple[str, str]]:
        return list(STATE_WORDS.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[FlagState]) -> QuerySet[FlagState]:
        return queryset.filter(STATES[self.value()]) if self.value() in STATES else queryset


@admin.register(FlagState)
class FlagStateAdmin(ReadOnlyAdmin):
    heading = "Flags"
    page = FlagPage
    list_before_template = "flags/list_head.html"
    list_filter = (("environment", RelatedDropdownFilter), StateFilter)
    list_filter_submit = True
    list_display_links = None
    list_select_related = ("flag", "environment")
    list_fullwidth = True
    search_fields = ("flag__key", "flag__name")
    search_help_text = "Key or name"
    show_full_result_count = False
    ordering = ("-environment__position", "flag__key")

    def get_list_display(self, request: HttpRequest) -> Sequence[Any]:
        shown = ["key", "where", "standing", "share", "listed", _notes_column(), "changed"]
        return [*shown, "commands"] if request.user.has_perm("flags.operate_flagstate") else shown

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        more = {"quick": _quick_filters(request.GET), **(extra_context or {})}
        shown: HttpResponse = super().changelist_view(request, more)
        return shown

    def get_urls(self) -> list[URLPattern]:
        def screen(view: type[View]) -> Any:
            return self.admin_site.admin_view(view.as_view(model_admin=self))

        return [
            path("<int:pk>/enable/", screen(Enable), name="flags_enable"),
            path("<int:pk>/disable/", screen(Disable), name="flags_disable"),
            path("<int:pk>/emergency/", screen(EmergencyDisable), name="flags_emergency"),
            path("<int:pk>/rollout/", screen(SetRollout), name="flags_rollout"),
            path("<int:pk>/parameters/", screen(SetParameters), name="flags_parameters"),
            path("<int:pk>/allow-list/", screen(AllowListPage), name="flags_allow_list"),
            path("<int:pk>/allow-list/edit/", screen(EditAllowList), name="flags_allow_list_edit"),
            path("<int:pk>/why/", self.admin_site.admin_view(self.why_view), name="flags_why"),
            path("at/<slug:environment>/<str:key>/", self.admin_site.admin_view(self.at_view), name="flags_at"),
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

    @admin.display(description="Flag", ordering="flag__key")
    def key(self, state: FlagState) -> SafeString:
        return format_html(
            '<span><a class="ops-link" href="{}">{}</a><br><span class="ops-soft ops-small">{}</span></span>',
            reverse("admin:flags_flagstate_change", args=[state.pk]),
            state.flag.key,
            state.flag.name,
        )

    @admin.display(description="Environment", ordering="environment__position")
    def where(self, state: FlagState) -> SafeString:
        return environment(state.environment)

    @admin.display(description="State", ordering="enabled")
    def standing(self, state: FlagState) -> SafeString:
        found = standing(state)
        return badge(found.word, found.tone, found.icon)

    @admin.display(description="Percentage", ordering="percentage")
    def share(self, state: FlagState) -> SafeString:
        return format_html(
            '<span class="ops-share"><span class="ops-num">{}</span>'
            '<span class="ops-track" data-tone="{}" style="--share:{}"><i></i></span></span>',
            share(state.percentage),
            "info" if state.enabled else "mute",
            float(state.percentage),
        )

    @admin.display(description="Allow-list", ordering="allow_count")
    def listed(self, state: FlagState) -> SafeString | str:
        if not state.allow_count:
            return NOTHING
        address = reverse("admin:flags_allow_list", args=[state.pk])
        return format_html('<a class="ops-link ops-num" href="{}">{}</a>', address, f"{state.allow_count:,}")

    @admin.display(description="Changed", ordering="changed_at")
    def changed(self, state: FlagState) -> SafeString:
        now = timezone.localtime()
        return format_html(
            '<time datetime="{}" title="{}">{}</time>',
            state.changed_at.isoformat(),
            moments.clock(state.changed_at, now=now),
            moments.relative(state.changed_at, now=now),
        )

    @admin.display(description="Change")
    def commands(self, state: FlagState) -> SafeString:
        toggle = ("flags_disable", "Disable") if state.enabled else ("flags_enable", "Enable")
        offered = [(*toggle, "", "", "small"), ("flags_rollout", "Set %", "", "", "small")]
        if state.enabled or state.percentage:
            offered.append(("flags_emergency", "Emergency disable", "emergency_home", "quiet-danger", "icon"))
        links = [(action(reverse(f"admin:{name}", args=[state.pk]), *look),) for name, *look in offered]
        return format_html('<span class="ops-commands">{}</span>', format_html_join("", "{}", links))


def _notes_column() -> Callable[[FlagState], SafeString | str]:
    """What other apps say of each flag; asked once for the whole list, when the first row is shown."""
    notes = cache(beside.flag_notes)

    @admin.display(description="Ramp, guard")
    def ramp(state: FlagState) -> SafeString | str:
        found = notes()[state.flag.key, state.environment.key]
        links = [(note.url, badge(note.text, note.tone, note.icon)) for note in found]
        return format_html_join(" ", '<a class="ops-fold" href="{}">{}</a>', links) or NOTHING

    return ramp


def _quick_filters(given: QueryDict) -> list[tuple[str, str, bool]]:
    """Name, query and whether it is chosen, for each environment, production first; then the states."""
    rows = [("All environments", "environment__id__exact", "")]
    rows += [(row.name, "environment__id__exact", str(row.pk)) for row in environments.ordered().reverse()]
    rows += [("Stopped in an emergency", "state", "halted")]
    found = []
    for name, parameter, value in rows:
        chosen = given.get(parameter, "") == value
        query = given.copy()
        query.pop("p", None)
        if value and not (chosen and parameter == "state"):
            query[parameter] = value
        else:
            query.pop(parameter, None)
        found.append((name, query.urlencode(), chosen))
    return found


def _page(key: str, where: str) -> str:
    if where:
        return reverse("admin:flags_at", args=[where, key])
    return f"{reverse('admin:flags_flagstate_changelist')}?q={key}"


beside.add_page("flag", _page)
