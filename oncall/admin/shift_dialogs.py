"""What is asked before a shift is taken or given back, and before a schedule goes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.http import Http404
from django.urls import reverse
from django.utils import timezone
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from core import people
from core.admin.confirm import ConfirmView, Effect, ReasonForm
from core.admin.read_only import person
from core.errors import Invalid, NotFound
from oncall import selectors
from oncall.admin import words
from oncall.domain.schedule import standing
from oncall.models import Override, Schedule
from oncall.services import feeding, planning


def find(pk: int, *, now: datetime) -> Schedule:
    """The schedule of an address; a 404 when there is none."""
    found = selectors.schedules(now=now).filter(pk=pk).first()
    if found is None:
        raise Http404(f"There is no schedule {pk}.")
    return found


class ScheduleDialog(ConfirmView):
    """One command on one schedule."""

    @cached_property
    def row(self) -> Schedule:
        return find(self.kwargs["pk"], now=timezone.now())

    def who(self) -> dict[str, Any]:
        return {"actor": person(self.request), "now": timezone.now()}

    def back(self) -> str:
        return reverse("admin:oncall_schedule_change", args=[self.kwargs["pk"]])


class TakeShiftForm(ReasonForm):
    """Local times of the schedule's zone."""

    person = forms.ChoiceField(label="Who takes it", widget=UnfoldAdminSelectWidget)
    since = forms.CharField(
        label="From", max_length=25, widget=UnfoldAdminTextInputWidget(attrs={"type": "datetime-local"})
    )
    until = forms.CharField(
        label="Until", max_length=25, widget=UnfoldAdminTextInputWidget(attrs={"type": "datetime-local"})
    )
    field_order = ["person", "since", "until", "reason"]


class TakeShift(ScheduleDialog):
    """Opened for a shift, whose times it is filled in with; else for the present one."""

    permission_required = "oncall.take_shift"
    form_class = TakeShiftForm

    def reason_required(self) -> bool:
        return False

    def effect(self) -> Effect:
        return Effect(
            title=f"Take a shift of {self.row.name}",
            sentences=[
                "In this time the chosen person is called in place of whoever the layers name.",
                f"Times are those of {self.row.zone}. It can be given back, also while it lasts.",
            ],
            submit="Take the shift",
        )

    def get_initial(self) -> dict[str, Any]:
        zone, now = ZoneInfo(self.row.zone), timezone.now()
        until = standing(selectors.plan_of(self.row), now).until or now + timedelta(days=1)
        return {
            "person": self.request.user.get_username(),
            "since": self.request.GET.get("since") or f"{now.astimezone(zone):%Y-%m-%dT%H:%M}",
            "until": self.request.GET.get("until") or f"{until.astimezone(zone):%Y-%m-%dT%H:%M}",
        }

    def get_form(self, form_class: Any = None) -> forms.Form:
        form = super().get_form(form_class)
        form.fields["person"].choices = [(name, name) for name in people.usernames()]  # type: ignore[attr-defined]
        form.fields["reason"].widget.attrs.pop("autofocus", None)
        return form

    def perform(self, values: dict[str, Any]) -> str:
        since, until = self._moment(values["since"], "since"), self._moment(values["until"], "until")
        row = planning.take_shift(self.row.key, values["person"], since, until, reason=values["reason"], **self.who())
        zone, now = ZoneInfo(self.row.zone), timezone.now()
        return f"{row.person} is on call in {self.row.name} until {words.clock(row.until, zone, now)}."

    def _moment(self, text: str, field: str) -> datetime:
        try:
            return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(self.row.zone))
        except ValueError:
            raise Invalid("A date and a time, for example 2025-08-29 18:00.", field=field) from None


class GiveBack(ScheduleDialog):
    permission_required = "oncall.take_shift"

    @cached_property
    def override(self) -> Override:
        return selectors.override(self.kwargs["override"], schedule_id=self.kwargs["pk"])

    def reason_required(self) -> bool:
        return False

    def effect(self) -> Effect:
        zone, now = ZoneInfo(self.row.zone), timezone.now()
        since, until = (words.clock(at, zone, now) for at in (self.override.since, self.override.until))
        return Effect(
            title=f"Give back the shift of {self.override.person}",
            sentences=[
                f"{self.override.person} takes {self.row.name} from {since} to {until}.",
                "From now on whoever the layers name is called again.",
            ],
            submit="Give it back",
        )

    def perform(self, values: dict[str, Any]) -> str:
        planning.give_back(self.row.key, self.override.pk, reason=values["reason"], **self.who())
        return "Given back. The layers count again."


class RemoveSchedule(ScheduleDialog):
    permission_required = "oncall.change_schedule"

    def effect(self) -> Effect:
        return Effect(
            title=f"Remove {self.row.name}",
            sentences=self._told(),
            submit="Remove the schedule",
            dangerous=True,
        )

    def perform(self, values: dict[str, Any]) -> str:
        planning.remove(self.row.key, reason=values["reason"], **self.who())
        return f"{self.row.name} is removed."

    def back(self) -> str:
        there = selectors.schedules(now=timezone.now()).filter(pk=self.kwargs["pk"]).exists()
        return super().back() if there else reverse("admin:oncall_schedule_changelist")

    def _told(self) -> Sequence[str]:
        using = selectors.chains_with(self.row.key)
        told = [f"The chain {key} asks it: change that first." for key in using]
        return [*told, "Its layers and overrides are gone for good. Its history stays."]


class FetchFeed(ScheduleDialog):
    permission_required = "oncall.change_schedule"

    def reason_required(self) -> bool:
        return False

    def effect(self) -> Effect:
        feed = selectors.feed_of(self.row)
        if feed is None:
            raise NotFound(f"{self.row.name} imports no calendar.")
        told = [f"The last try failed: {feed.error}"] if feed.error else []
        return Effect(
            "Fetch the calendar now", [*told, "The next round of the clock fetches it, within a minute."], "Fetch"
        )

    def perform(self, values: dict[str, Any]) -> str:
        feeding.refresh_soon(self.row.key, now=timezone.now())
        return "The calendar is fetched within a minute."
