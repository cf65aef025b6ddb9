"""Maintenances: the list, the form with what visitors will read, one maintenance, and its commands."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import cached_property
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from core import beside, events
from core.admin.previewed_form import PreviewedForm
from core.admin.read_only import ReadOnlyAdmin, Screen, person
from core.admin.row_command import RowCommand
from core.errors import Invalid, NotFound
from statuspage import selectors
from statuspage.admin import words
from statuspage.admin.maintenance_form import MaintenanceForm, filled
from statuspage.domain.states import AHEAD, UNDER_WAY, MaintenanceState
from statuspage.domain.window import Window
from statuspage.models import Maintenance
from statuspage.services import maintenance

PLAN = "statuspage.plan_maintenance"
HISTORY = 40


def find(pk: int) -> Maintenance:
    """The maintenance of an address; a 404 when there is none."""
    try:
        return selectors.maintenance(pk)
    except NotFound as error:
        raise Http404(str(error)) from error


class PlanMaintenance(PreviewedForm):
    """The preview is when it is, in its zone and in UTC, and how long."""

    permission_required = PLAN
    title = "Plan a maintenance"
    submit = "Tell of it"
    form_class = MaintenanceForm
    preview_template = "statuspage/admin/maintenance_preview.html"
    under_way = False

    def get_initial(self) -> dict[str, Any]:
        soon = (timezone.localtime() + timedelta(days=1)).replace(minute=0, second=0, microsecond=0, tzinfo=None)
        end = soon + timedelta(hours=1)
        zone = timezone.get_current_timezone_name()
        return {"starts_on": soon.isoformat("T", "minutes"), "ends_on": end.isoformat("T", "minutes"), "zone": zone}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        now = timezone.now()
        asked = self.form_class(self.request.POST or self.request.GET or self.get_initial(), **self.form_options())
        asked.is_valid()
        plan, window, flaw = asked.plan, None, ""
        try:
            window = Window.read(plan.starts_at, plan.ends_at, plan.zone, now=now)
        except Invalid as error:
            flaw = str(error)
        names = [row.name for row in selectors.components() if row.key in plan.components]
        crumbs = [("Maintenances", reverse("admin:statuspage_maintenance_changelist"))]
        return super().get_context_data(
            now=now,
            plan=plan,
            window=window,
            flaw=flaw,
            names=names,
            at_once=window is not None and window.starts_at <= now and not self.under_way,
            crumbs=crumbs,
            back=self.back(),
            **kwargs,
        )

    def back(self) -> str:
        return reverse("admin:statuspage_maintenance_changelist")

    def done(self, row: Maintenance) -> tuple[str, str]:
        return f"Visitors are told of {row.title}.", reverse("admin:statuspage_maintenance_change", args=[row.pk])

    def perform(self, form: MaintenanceForm) -> Maintenance:
        return maintenance.plan(form.plan, actor=person(self.request), now=timezone.now())


class ChangeMaintenance(PlanMaintenance):
    """The same form for a maintenance there is."""

    submit = "Change it"

    @cached_property
    def row(self) -> Maintenance:
        return find(self.kwargs["pk"])

    @property
    def under_way(self) -> bool:  # type: ignore[override]
        return self.row.state in UNDER_WAY

    @property
    def title(self) -> str:  # type: ignore[override]
        return f"Change {self.row.title}"

    def get_initial(self) -> dict[str, Any]:
        return filled(self.row)

    def form_options(self) -> dict[str, Any]:
        return {"changes": True}

    def back(self) -> str:
        return reverse("admin:statuspage_maintenance_change", args=[self.kwargs["pk"]])

    def perform(self, form: MaintenanceForm) -> Maintenance:
        values = form.cleaned_data
        told = {"reason": values["why"], "version": values["version"]}
        return maintenance.change(self.kwargs["pk"], form.plan, actor=person(self.request), now=timezone.now(), **told)


class MaintenanceCommand(RowCommand):
    permission_required = PLAN

    @cached_property
    def row(self) -> Maintenance:
        return find(self.kwargs["pk"])

    def subject(self) -> tuple[str, int | None]:
        return f"maintenance:{self.row.public_id}", None

    def back(self) -> str:
        return reverse("admin:statuspage_maintenance_change", args=[self.kwargs["pk"]])


class Cancel(MaintenanceCommand):
    name, label, icon, tone = "cancel", "Cancel it", "event_busy", "quiet-danger"
    dangerous = True

    def sentences(self) -> Sequence[str]:
        return ["It will not be. Visitors and their calendars are told, and who subscribed hears of it."]

    def perform(self, values: dict[str, Any]) -> str:
        told = {"reason": values["reason"], "version": values["version"]}
        return f"{maintenance.cancel(self.row.pk, **told, **self.who()).title} is cancelled."


class Verify(MaintenanceCommand):
    name, label, icon, tone = "verify", "Verify", "fact_check", ""
    takes_reason = False

    def sentences(self) -> Sequence[str]:
        return ["The work is done and is being looked at. It still ends by the clock, or when you complete it."]

    def perform(self, values: dict[str, Any]) -> str:
        maintenance.verify(self.row.pk, version=values["version"], **self.who())
        return "Visitors read that it is being verified."


class Complete(MaintenanceCommand):
    name, label, icon, tone = "complete", "Complete it now", "task_alt", "primary"
    takes_reason = False

    def sentences(self) -> Sequence[str]:
        return ["It is over before its time, and its components are no longer under maintenance."]

    def perform(self, values: dict[str, Any]) -> str:
        maintenance.complete(self.row.pk, version=values["version"], **self.who())
        return "The maintenance is over."


COMMANDS: tuple[type[MaintenanceCommand], ...] = (Complete, Verify, Cancel)
OFFERED = {  # in which states
    Complete: UNDER_WAY,
    Verify: frozenset({MaintenanceState.IN_PROGRESS}),
    Cancel: frozenset({MaintenanceState.SCHEDULED}),
}


class MaintenancePage(Screen):
    permission_required = "statuspage.view_maintenance"
    template_name = "statuspage/admin/maintenance.html"
    live_template = "statuspage/admin/maintenance_live.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        row = find(self.kwargs["pk"])
        self.title = row.title
        state, may = MaintenanceState(row.state), self.request.user.has_perm(PLAN)
        return super().get_context_data(
            row=row,
            now=timezone.now(),
            look=words.MAINTENANCE[state],
            may_change=may and state in AHEAD,
            commands=[_button(each, row) for each in COMMANDS if may and state in OFFERED[each]],
            history=list(events.about(f"maintenance:{row.public_id}")[:HISTORY]),
            **kwargs,
        )


@admin.register(Maintenance)
class MaintenanceAdmin(ReadOnlyAdmin):
    heading = "Maintenances"
    page = MaintenancePage
    list_display = ("what", "standing", "begins", "ends", "about")
    list_display_links = None
    list_filter = (("state", ChoicesDropdownFilter),)
    list_filter_submit = True
    list_fullwidth = True
    list_before_template = "statuspage/admin/head.html"
    change_list_template = "ops/list.html"
    empty = (
        "No maintenance is planned",
        "“Plan a maintenance” tells visitors in advance. It begins and ends by the clock.",
    )
    search_fields = ("titles", "public_id")
    search_help_text = "Title or id"
    show_full_result_count = False
    ordering = ("-starts_at", "-id")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Maintenance]:
        return selectors.maintenances()

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        views: dict[str, tuple[str, Any]] = {
            "add": ("add/", PlanMaintenance),
            "edit": ("<int:pk>/edit/", ChangeMaintenance),
            **{view.name: (f"<int:pk>/{view.name}/", view) for view in COMMANDS},
        }
        own = [
            path(where, wrap(view.as_view(model_admin=self)), name=f"statuspage_maintenance_{name}")
            for name, (where, view) in views.items()
        ]
        by_id = path("id/<slug:public_id>/", wrap(_by_id), name="statuspage_maintenance_by_id")
        return [by_id, *own, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        context = {"may_plan": request.user.has_perm(PLAN), **(extra_context or {})}
        listed: HttpResponse = super().changelist_view(request, context)
        return listed

    @admin.display(description="Maintenance")
    def what(self, row: Maintenance) -> SafeString:
        below = f"by {row.created_by}"
        return words.titled(reverse("admin:statuspage_maintenance_change", args=[row.pk]), row.title, below)

    @admin.display(description="State", ordering="state")
    def standing(self, row: Maintenance) -> SafeString:
        return words.maintenance(row.state)

    @admin.display(description="Begins", ordering="starts_at")
    def begins(self, row: Maintenance) -> SafeString:
        return words.when(row.starts_at)

    @admin.display(description="Ends", ordering="ends_at")
    def ends(self, row: Maintenance) -> SafeString:
        return words.when(row.ended_at or row.ends_at)

    @admin.display(description="Components")
    def about(self, row: Maintenance) -> SafeString:
        return format_html('<span class="ops-small">{}</span>', ", ".join(each.name for each in row.components.all()))


def _by_id(request: HttpRequest, public_id: str) -> HttpResponse:
    """The page of a maintenance by the id that events and visitors know."""
    row = selectors.maintenances().filter(public_id=public_id).first()
    if row is None:
        raise Http404
    return redirect("admin:statuspage_maintenance_change", row.pk)


def _button(command: type[MaintenanceCommand], row: Maintenance) -> tuple[str, str, str, str]:
    url = reverse(f"admin:statuspage_maintenance_{command.name}", args=[row.pk])
    return url, command.label, command.icon, command.tone


beside.add_page("maintenance", lambda key, where: reverse("admin:statuspage_maintenance_by_id", args=[key]))
