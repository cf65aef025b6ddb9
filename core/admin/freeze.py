"""The freezes: a month as a calendar, the form, one freeze with its overrides, and the dialogs."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.functional import cached_property

from core import beside, freezes, freezing
from core.admin.freeze_dialogs import End, Lift, Override
from core.admin.freeze_form import FreezeForm, blank, filled
from core.admin.freeze_month import FreezeMonth
from core.admin.freeze_page import FreezePage, find
from core.admin.previewed_form import PreviewedForm
from core.admin.read_only import ReadOnlyAdmin, person
from core.models import Event, Freeze
from core.repeating import words

SHOWN = 5  # occurrences in the preview


class PlanFreeze(PreviewedForm):
    """The preview are the next occurrences."""

    permission_required = "core.plan_freeze"
    title = "Plan a freeze"
    submit = "Plan the freeze"
    form_class = FreezeForm
    preview_template = "core/freeze_preview.html"

    def get_initial(self) -> dict[str, Any]:
        day = self.request.GET.get("day", "")
        start = timezone.localtime().replace(tzinfo=None)
        first = blank(start, timezone.get_current_timezone_name())
        return first | ({"starts_on": f"{day}T00:00"} if day else {})

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        now = timezone.now()
        asked = self.form_class(self.request.POST or self.request.GET or self.get_initial(), **self.form_options())
        asked.is_valid()
        plan = asked.plan
        table = plan.timetable() if plan else None
        crumbs = [("Freezes", reverse("admin:core_freeze_changelist"))]
        told = {
            name: asked.errors[name]
            for name in ("starts_on", "lasts", "repeats", "rule", "month_days")
            if name in asked.errors
        }
        return super().get_context_data(
            now=now,
            current=table.at(now) if table else None,
            ahead=table.after(now, SHOWN) if table else [],
            words=words(table.recurrence, table.start) if table else "",
            flaws=[text for texts in told.values() for text in texts],
            crumbs=crumbs,
            back=self.back(),
            **kwargs,
        )

    def back(self) -> str:
        return reverse("admin:core_freeze_changelist")

    def done(self, row: Freeze) -> tuple[str, str]:
        return f"{row.name} is planned as shown.", reverse("admin:core_freeze_change", args=[row.pk])

    def perform(self, form: FreezeForm) -> Freeze:
        """Call the service."""
        assert form.plan is not None  # noqa: S101 - a valid form has one
        return freezing.plan(form.plan, actor=person(self.request), now=timezone.now())


class ChangeFreeze(PlanFreeze):
    """The same form for a freeze there is."""

    submit = "Change the freeze"

    @cached_property
    def freeze(self) -> Freeze:
        return find(self.kwargs["pk"])

    @property
    def title(self) -> str:  # type: ignore[override]
        return f"Change {self.freeze.name}"

    def get_initial(self) -> dict[str, Any]:
        return filled(self.freeze)

    def form_options(self) -> dict[str, Any]:
        return {"changes": True}

    def back(self) -> str:
        return reverse("admin:core_freeze_change", args=[self.kwargs["pk"]])

    def perform(self, form: FreezeForm) -> Freeze:
        assert form.plan is not None  # noqa: S101 - a valid form has one
        return freezing.change(
            self.kwargs["pk"],
            form.plan,
            actor=person(self.request),
            reason=form.cleaned_data["why"],
            now=timezone.now(),
            version=form.cleaned_data["version"],
        )


@admin.register(Freeze)
class FreezeAdmin(ReadOnlyAdmin):
    heading = "Freezes"
    page = FreezePage

    def get_urls(self) -> list[URLPattern]:
        """One address for each form and dialog, before Django's own, which take any path for a row."""
        wrap = self.admin_site.admin_view
        views: dict[str, tuple[str, Any]] = {
            "add": ("add/", PlanFreeze),
            "edit": ("<int:pk>/edit/", ChangeFreeze),
            "end": ("<int:pk>/end/", End),
            "override": ("<int:pk>/override/", Override),
            "lift": ("<int:pk>/override/<int:override>/lift/", Lift),
        }
        own = [
            path(where, wrap(view.as_view(model_admin=self)), name=f"core_freeze_{name}")
            for name, (where, view) in views.items()
        ]
        return [*own, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return FreezeMonth.as_view(model_admin=self)(request)


def ways_back(events: list[Event], user: beside.Person) -> dict[int, beside.EventAction]:
    """The end of a freeze that somebody planned or changed, while it is not over. One query."""
    planned = [event for event in events if event.kind in ("freeze.planned", "freeze.changed")]
    if not planned or not user.has_perm("core.plan_freeze"):
        return {}
    newest = {event.subject: event for event in reversed(planned)}
    live = {f"freeze:{pk}": pk for pk in freezes.live().values_list("pk", flat=True)}
    return {
        event.pk: beside.EventAction(reverse("admin:core_freeze_end", args=[live[subject]]), "End it", "event_busy")
        for subject, event in newest.items()
        if subject in live
    }


beside.add_way_back(ways_back)
beside.add_page("freeze", lambda key, environment: reverse("admin:core_freeze_change", args=[key]))
