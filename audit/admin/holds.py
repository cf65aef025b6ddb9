"""Legal holds: what must not be forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from audit import selectors
from audit.models import Hold
from audit.services import holding
from audit.services.holding import Held
from core import environments, events, moments
from core.admin.confirm import ConfirmView, Effect, ReasonForm
from core.admin.read_only import ReadOnlyAdmin, Screen, person
from core.admin.row_command import RowCommand
from core.templatetags.screen import NOTHING, badge, environment

MANAGE = "audit.manage_hold"
HISTORY = 20


def find(pk: int) -> Hold:
    row = selectors.holds().filter(pk=pk).first()
    if row is None:
        raise Http404(f"There is no hold {pk}.")
    return row


class HoldForm(ReasonForm):
    """All parts but title and reason may be left empty; an event is held when it fits all that is given."""

    title = forms.CharField(
        label="Title",
        max_length=120,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
        help_text="The case or the request it is for, for example Complaint 2025-114.",
    )
    subject = forms.CharField(
        label="About",
        required=False,
        max_length=160,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
        help_text="As events have it, such as flag:atomicMeltOperations. Empty: whatever they are about.",
    )
    environment = forms.ChoiceField(label="Environment", required=False, widget=UnfoldAdminSelectWidget)
    since = forms.DateTimeField(
        label="From", required=False, widget=UnfoldAdminTextInputWidget(attrs={"type": "datetime-local"})
    )
    until = forms.DateTimeField(
        label="Until",
        required=False,
        widget=UnfoldAdminTextInputWidget(attrs={"type": "datetime-local"}),
        help_text="When the events happened. Empty: no limit. The hold itself lasts until it is released.",
    )
    field_order = ("title", "subject", "environment", "since", "until", "reason")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["title"].widget.attrs["autofocus"] = self.fields["reason"].widget.attrs.pop("autofocus")
        places = [(row.key, row.name) for row in environments.ordered()]
        self.fields["environment"].choices = [("", "All, and none"), *places]  # type: ignore[attr-defined]


class PlaceHold(ConfirmView):
    permission_required = MANAGE
    form_class = HoldForm

    def effect(self) -> Effect:
        return Effect(
            title="Hold events",
            sentences=["What fits is not forgotten, however old it gets, until an administrator releases it."],
            submit="Hold them",
        )

    def perform(self, values: dict[str, Any]) -> str:
        given = {name: values[name] for name in ("title", "reason", "subject", "environment", "since", "until")}
        row = holding.place(Held(**given), actor=person(self.request), now=timezone.now())
        return f"{row.title} is in force."

    def back(self) -> str:
        return reverse("admin:audit_hold_changelist")


class Release(RowCommand):
    permission_required = MANAGE
    name, label, icon, tone = "release", "Release", "lock_open", "quiet-danger"
    dangerous = True

    @cached_property
    def row(self) -> Hold:
        return find(self.kwargs["pk"])

    def sentences(self) -> Sequence[str]:
        return [kept(), "It cannot be put back for what is forgotten then. Place another hold if you need one."]

    def perform(self, values: dict[str, Any]) -> str:
        row = holding.release(self.row.pk, reason=values["reason"], version=values["version"], **self.who())
        return f"{row.title} is released."

    def back(self) -> str:
        return reverse("admin:audit_hold_change", args=[self.kwargs["pk"]])


def kept() -> str:
    """What the retention does with events that nobody holds."""
    days = settings.EVENTS_RETENTION_DAYS
    if not days:
        return "Events are kept for ever here: EVENTS_RETENTION_DAYS is 0."
    return f"Events older than {days:,} days are forgotten within the hour, if nothing else needs them."


class HoldPage(Screen):
    permission_required = "audit.view_hold"
    template_name = "audit/hold.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        row = find(self.kwargs["pk"])
        self.title = row.title
        return super().get_context_data(
            row=row,
            standing=standing(row),
            may_release=row.released_at is None and self.request.user.has_perm(MANAGE),
            history=list(events.about(f"hold:{row.pk}")[:HISTORY]),
            **kwargs,
        )


def standing(row: Hold) -> SafeString:
    if row.released_at:
        return badge("released", "mute", "lock_open")
    return badge("in force", "info", "lock")


@admin.register(Hold)
class HoldAdmin(ReadOnlyAdmin):
    heading = "Legal holds"
    page = HoldPage
    list_display = ("what", "state", "about", "where", "span", "who")
    list_display_links = None
    list_before_template = "audit/holds_head.html"
    change_list_template = "ops/list.html"
    list_fullwidth = True
    show_full_result_count = False
    search_fields = ("title", "subject", "reason")
    empty = ("Nothing is held", "A hold keeps events that a case or a request needs from being forgotten.")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Hold]:
        return selectors.holds()

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        own = [
            path("place/", wrap(PlaceHold.as_view(model_admin=self)), name="audit_hold_place"),
            path("<int:pk>/release/", wrap(Release.as_view(model_admin=self)), name="audit_hold_release"),
        ]
        return [*own, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        may = request.user.has_perm(MANAGE)
        context = {"title": self.heading, "kept": kept(), "may_hold": may, **(extra_context or {})}
        listed: HttpResponse = super().changelist_view(request, context)
        return listed

    @admin.display(description="Hold")
    def what(self, row: Hold) -> SafeString:
        url = reverse("admin:audit_hold_change", args=[row.pk])
        return format_html('<a class="ops-link" href="{}">{}</a>', url, row.title)

    @admin.display(description="State")
    def state(self, row: Hold) -> SafeString:
        return standing(row)

    @admin.display(description="About")
    def about(self, row: Hold) -> str:
        return row.subject or "anything"

    @admin.display(description="Environment")
    def where(self, row: Hold) -> SafeString | str:
        return environment(row.environment) if row.environment else NOTHING

    @admin.display(description="Events")
    def span(self, row: Hold) -> str:
        return f"{_day(row.since) or 'the first'} to {_day(row.until) or 'the last'}"

    @admin.display(description="Held by")
    def who(self, row: Hold) -> str:
        return f"{row.held_by}, {moments.relative(row.held_at, now=timezone.localtime())}"


def _day(at: datetime | None) -> str:
    return moments.clock(at, now=timezone.localtime() + timedelta(days=400)) if at else ""
