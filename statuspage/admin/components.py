"""Components: what the page says of each, and saying it by hand."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.widgets import UnfoldAdminSelectWidget

from core import beside, events
from core.admin.confirm import ReasonForm
from core.admin.read_only import ReadOnlyAdmin, Screen
from core.admin.row_command import RowCommand
from core.errors import NotFound
from statuspage import selectors
from statuspage.admin import words
from statuspage.domain.history import days, uptime
from statuspage.domain.states import ComponentState
from statuspage.models import Component
from statuspage.selectors import shown
from statuspage.services import components
from statuspage.services.settling import speakers
from statuspage.templatetags.status_words import day as day_words
from statuspage.templatetags.status_words import uptime as uptime_words

OPERATE = "statuspage.operate_component"
HISTORY = 40
CHANGES = 20


def find(pk: int) -> Component:
    """The component of an address; a 404 when the page does not have it."""
    row = selectors.components().filter(pk=pk).first()
    if row is None:
        raise Http404(f"There is no component {pk} on the page.")
    return row


class ComponentCommand(RowCommand):
    """The component is named by its number."""

    permission_required = OPERATE

    @cached_property
    def row(self) -> Component:
        return find(self.kwargs["pk"])

    def subject(self) -> tuple[str, int | None]:
        return f"component:{self.row.key}", None

    def back(self) -> str:
        return reverse("admin:statuspage_component_change", args=[self.kwargs["pk"]])


class StateForm(ReasonForm):
    state = forms.ChoiceField(
        label="State",
        widget=UnfoldAdminSelectWidget,
        choices=[(state.value, words.COMPONENT[state][0].capitalize()) for state in ComponentState],
    )
    field_order = ["state", "reason"]


class SetState(ComponentCommand):
    name, label, icon, tone = "state", "Set the state", "edit", "primary"
    form_class = StateForm

    def sentences(self) -> Sequence[str]:
        said = speakers(self.row.pk)
        told = ["The public sees it within seconds, with a bar of this day's colour for 90 days."]
        if said:
            told.append(
                f"The page shows the worst that is said. Of {self.row.name} it is also said by: {', '.join(said)}."
            )
        return [*told, "To tell people what happens, publish an incident: this changes the state alone."]

    def get_initial(self) -> dict[str, Any]:
        return {**super().get_initial(), "state": self.row.by_hand}

    def perform(self, values: dict[str, Any]) -> str:
        wanted = {"reason": values["reason"], "version": values["version"]}
        row = components.set_state(self.row.key, values["state"], **wanted, **self.who())
        now = words.COMPONENT[ComponentState(row.state)][0]
        return f"{row.name} is at {now} on the page."


class Retire(ComponentCommand):
    name, label, icon, tone = "retire", "Take off the page", "delete", "quiet-danger"
    dangerous = True

    def sentences(self) -> Sequence[str]:
        return [
            "Visitors see it no more, and neither do programs. Its history stays.",
            "A playbook that names it brings it back with its next load: take it out there, too.",
        ]

    def perform(self, values: dict[str, Any]) -> str:
        wanted = {"reason": values["reason"], "version": values["version"]}
        return f"{components.retire(self.row.key, **wanted, **self.who()).name} is off the page."

    def back(self) -> str:
        retired = not selectors.components().filter(pk=self.kwargs["pk"]).exists()
        return reverse("admin:statuspage_component_changelist") if retired else super().back()


COMMANDS: tuple[type[ComponentCommand], ...] = (SetState, Retire)


class ComponentPage(Screen):
    permission_required = "statuspage.view_component"
    template_name = "statuspage/admin/component.html"
    live_template = "statuspage/admin/component_live.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        now, row = timezone.now(), find(self.kwargs["pk"])
        self.title = row.name
        changes = shown.changes(now=now)[row.pk]
        found = days(changes, now=now)
        return super().get_context_data(
            row=row,
            now=now,
            look=words.COMPONENT[ComponentState(row.state)],
            by_hand=words.COMPONENT[ComponentState(row.by_hand)],
            said=speakers(row.pk),
            uptime=uptime_words(uptime(found)),
            changes=[(each, *words.COMPONENT[each.state]) for each in reversed(changes[-CHANGES:])],
            troubled=[
                (day.date, day_words(day), *words.COMPONENT[day.worst][1:])
                for day in reversed(found)
                if day.worst not in (None, ComponentState.OPERATIONAL)
            ],
            commands=_buttons(row, self.request) if self.request.user.has_perm(OPERATE) else (),
            history=list(events.about(f"component:{row.key}")[:HISTORY]),
            **kwargs,
        )


def _buttons(row: Component, request: HttpRequest) -> list[tuple[str, str, str, str]]:
    return [
        (reverse(f"admin:statuspage_component_{each.name}", args=[row.pk]), each.label, each.icon, each.tone)
        for each in COMMANDS
    ]


@admin.register(Component)
class ComponentAdmin(ReadOnlyAdmin):
    heading = "Components of the status page"
    page = ComponentPage
    list_display = ("what", "standing", "since_when", "up", "group")
    list_display_links = None
    list_filter = (("state", ChoicesDropdownFilter),)
    list_filter_submit = True
    list_fullwidth = True
    list_before_template = "statuspage/admin/head.html"
    change_list_template = "ops/list.html"
    empty = ("No components yet", "They are in the playbook, under statusPage: load it.")
    search_fields = ("key", "name")
    search_help_text = "Key or name"
    show_full_result_count = False
    ordering = ("position", "id")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Component]:
        return selectors.components()

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        own = [
            path(
                f"<int:pk>/{view.name}/", wrap(view.as_view(model_admin=self)), name=f"statuspage_component_{view.name}"
            )
            for view in COMMANDS
        ]
        by_key = path("key/<slug:key>/", wrap(_by_key), name="statuspage_component_by_key")
        return [*own, by_key, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        now = timezone.now()
        self._days = {pk: days(found, now=now) for pk, found in shown.changes(now=now).items()}
        listed: HttpResponse = super().changelist_view(request, extra_context)
        return listed

    @admin.display(description="Component", ordering="name")
    def what(self, row: Component) -> SafeString:
        return words.titled(reverse("admin:statuspage_component_change", args=[row.pk]), row.name, row.key)

    @admin.display(description="State", ordering="state")
    def standing(self, row: Component) -> SafeString:
        return words.component(row.state)

    @admin.display(description="Since", ordering="since")
    def since_when(self, row: Component) -> SafeString:
        return words.when(row.since)

    @admin.display(description="90 days")
    def up(self, row: Component) -> str:
        return uptime_words(uptime(self._days.get(row.pk, ())))


def _by_key(request: HttpRequest, key: str) -> HttpResponse:
    """The page of a component by the key that events know."""
    try:
        row = selectors.component(key)
    except NotFound as error:
        raise Http404(str(error)) from error
    return ComponentPage.as_view(model_admin=admin.site.get_model_admin(Component))(request, pk=row.pk)


beside.add_page("component", lambda key, where: reverse("admin:statuspage_component_by_key", args=[key]))
