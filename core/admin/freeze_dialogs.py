"""What is asked before a freeze is ended or changes are let through."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from core import freezes, freezing
from core.admin.confirm import ConfirmView, Effect, ReasonForm
from core.admin.freeze_page import find
from core.admin.read_only import person
from core.calendar import Occurrence
from core.errors import Conflict, Invalid
from core.models import Environment, Freeze, FreezeOverride


class FreezeDialog(ConfirmView):
    """One command on one freeze."""

    @cached_property
    def freeze(self) -> Freeze:
        return find(self.kwargs["pk"])

    def back(self) -> str:
        return reverse("admin:core_freeze_change", args=[self.kwargs["pk"]])


class End(FreezeDialog):
    permission_required = "core.plan_freeze"

    def effect(self) -> Effect:
        where = ", ".join(each.name for each in self.freeze.environments.all())
        current = freezes.timetable(self.freeze).at(timezone.now())
        told = [f"It never holds again in {where}. Its history stays."]
        if current is not None:
            told.insert(0, f"It holds now, until {_clock(current.ends_at)}: changes and ramps go on at once.")
        return Effect(title=f"End {self.freeze.name}", sentences=told, submit="End the freeze", dangerous=True)

    def version(self) -> int:
        return find(self.kwargs["pk"]).version

    def perform(self, values: dict[str, Any]) -> str:
        done = freezing.end(
            self.kwargs["pk"],
            actor=person(self.request),
            reason=values["reason"],
            now=timezone.now(),
            version=values["version"],
        )
        return f"{done.name} is ended."


class OverrideForm(ReasonForm):
    """`occurrence` is its begin in UTC; `until` a local time of the freeze's zone."""

    environment = forms.ChoiceField(label="Environment", widget=UnfoldAdminSelectWidget)
    until = forms.CharField(
        label="Let changes through until",
        required=False,
        max_length=25,
        widget=UnfoldAdminTextInputWidget(attrs={"type": "datetime-local"}),
    )
    occurrence = forms.CharField(max_length=40, widget=forms.HiddenInput)

    field_order = ["environment", "until", "reason", "occurrence"]


class Override(FreezeDialog):
    """Opened for the occurrence that holds now, or for one that is ahead."""

    permission_required = "core.override_freeze"
    form_class = OverrideForm

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """The occurrence may have ended while somebody filled in the form."""
        try:
            response: HttpResponseBase = super().dispatch(request, *args, **kwargs)
        except Conflict as error:
            messages.error(request, str(error))
            return self.leave(self.back())
        return response

    @property
    def where(self) -> list[Environment]:
        return list(self.freeze.environments.all())

    @cached_property
    def occurrence(self) -> Occurrence:
        text = self.request.POST.get("occurrence") or self.request.GET.get("occurrence", "")
        now = timezone.now()
        try:
            at = datetime.fromisoformat(text).astimezone(UTC) if text else now
        except ValueError:
            at = now
        found = freezes.timetable(self.freeze).at(at)
        if found is None or self.freeze.ended_at is not None or found.ends_at <= now:
            raise Conflict(f"{self.freeze.name} does not hold then any more. There is nothing to let through.")
        return found

    def effect(self) -> Effect:
        asked = self.request.POST.get("environment") or self.request.GET.get("environment")
        chosen = [each for each in self.where if each.key == asked] if asked else self.where
        end = _clock(self.occurrence.ends_at)
        return Effect(
            title=f"Let changes through {self.freeze.name}",
            sentences=[
                f"The freeze holds {self._when()} until {end}, because: {self.freeze.reason}",
                "Until the time you choose, anybody with the right can raise and promote flags there as if there were "
                "no freeze, approval rules stay, and ramps take the steps that are due.",
                "The next occurrence of the freeze holds again.",
            ],
            submit="Let changes through",
            dangerous=True,
            environment=chosen[0] if len(chosen) == 1 else None,
        )

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(tells_freeze=True, **kwargs)

    def _when(self) -> str:
        starts_at = self.occurrence.starts_at
        return f"from {_clock(starts_at)}" if starts_at > timezone.now() else "now,"

    def get_initial(self) -> dict[str, Any]:
        return {
            "environment": self.request.GET.get("environment") or self.where[-1].key,
            "occurrence": self.occurrence.starts_at.astimezone(UTC).isoformat(),
        }

    def get_form(self, form_class: Any = None) -> forms.Form:
        form = super().get_form(form_class)
        form.fields["environment"].choices = [(each.key, each.name) for each in self.where]  # type: ignore[attr-defined]
        form.fields[
            "until"
        ].help_text = f"In {self.freeze.zone}. Empty: until the freeze ends, {_clock(self.occurrence.ends_at)}."
        form.fields.pop("version", None)
        return form

    def perform(self, values: dict[str, Any]) -> str:
        row = freezing.override(
            self.kwargs["pk"],
            values["environment"],
            actor=person(self.request),
            reason=values["reason"],
            now=timezone.now(),
            until=self._until(values["until"]),
            occurrence=self.occurrence.starts_at,
        )
        return f"Changes pass in {row.environment.name} until {_clock(self._local(row.until))}."

    def _until(self, text: str) -> datetime | None:
        if not text:
            return None
        try:
            return datetime.fromisoformat(text).replace(tzinfo=self.occurrence.ends_at.tzinfo)
        except ValueError:
            raise Invalid("A date and a time, for example 2025-08-29 18:00.", field="until") from None

    def _local(self, at: datetime) -> datetime:
        return at.astimezone(self.occurrence.ends_at.tzinfo)


class Lift(FreezeDialog):
    permission_required = "core.override_freeze"

    @cached_property
    def override(self) -> FreezeOverride:
        return freezes.override(self.kwargs["override"], freeze_id=self.kwargs["pk"])

    def effect(self) -> Effect:
        row = self.override
        return Effect(
            title=f"Freeze {row.environment.name} again",
            sentences=[
                f"{row.by} lets changes through {row.freeze.name} until {_clock(timezone.localtime(row.until))}.",
                "From now on the freeze holds again.",
            ],
            submit=f"Freeze {row.environment.name} again",
            environment=row.environment,
        )

    def perform(self, values: dict[str, Any]) -> str:
        row = freezing.lift(self.override.pk, actor=person(self.request), reason=values["reason"], now=timezone.now())
        return f"{row.freeze.name} holds again in {row.environment.name}."


def _clock(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} {at.tzname()}"
