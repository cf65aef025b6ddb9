"""The changes of one flag in one environment, each confirmed and each by one service."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

import flags.selectors
from core import beside
from core.admin.confirm import ConfirmView, Effect, ReasonForm
from core.admin.read_only import person
from core.errors import Invalid, NotFound
from flags.admin import words
from flags.admin.fields import read_json
from flags.domain.bucketing import Bucketing
from flags.domain.change import read_percentage
from flags.domain.standing import share
from flags.models import FlagState
from flags.services import emergency, rollout


class FlagCommand(ConfirmView, ABC):
    """One change of one flag state, which is named by its id. The row is read anew for each answer."""

    permission_required = "flags.operate_flagstate"
    verb = ""
    dangerous = False
    moves_reach = True  # who has the feature may change, of which others (a ramp) warn

    @property
    def state(self) -> FlagState:
        found = flags.selectors.states().filter(pk=self.kwargs["pk"]).first()
        if found is None:
            raise NotFound("There is no such flag state.")
        return found

    @abstractmethod
    def sentences(self, state: FlagState) -> Sequence[str]:
        """What the change does, as the state is now."""

    def becomes(self, state: FlagState) -> Mapping[str, Any]:
        """The fields of the flag's FlagConfig as they will be, for the preview of who joins and who leaves."""
        return {}

    def effect(self) -> Effect:
        state = self.state
        notes = beside.flag_notes()[state.flag.key, state.environment.key]
        warnings = [note.warning for note in notes if note.warning and self.moves_reach]
        return Effect(
            title=f"{self.verb}: {state.flag.key}",
            sentences=[*self.sentences(state), *warnings],
            submit=f"{self.verb} in {state.environment.name}",
            dangerous=self.dangerous,
            environment=state.environment,
            detail=self.detail(state),
        )

    def detail(self, state: FlagState) -> str:
        """Who joins and leaves, and for a raise what other apps have to tell."""
        fields = self.becomes(state)
        shown, target = words.preview(state, fields), words.raised(state, fields)
        if target is None:
            return shown
        return shown + beside.raise_parts(state.flag.key, state.environment.key, target, now=timezone.now())

    def version(self) -> int | None:
        return self.state.version

    def subject(self) -> tuple[str, int | None]:
        state = self.state
        return f"flag:{state.flag.key}", state.environment_id

    def reason_required(self) -> bool:
        return self.state.environment.protected

    def back(self) -> str:
        return reverse("admin:flags_flagstate_change", args=[self.kwargs["pk"]])

    def about(self, values: dict[str, Any]) -> dict[str, Any]:
        """What every service takes."""
        return {
            "actor": person(self.request),
            "reason": values["reason"],
            "now": timezone.now(),
            "version": values["version"],
        }


class Enable(FlagCommand):
    verb = "Enable"

    def becomes(self, state: FlagState) -> Mapping[str, Any]:
        return {"enabled": True}

    def sentences(self, state: FlagState) -> Sequence[str]:
        first = f"{state.flag.key} goes on for {words.reach(state)} in {state.environment.name}, at once."
        if not state.disabled_at:
            return [first]
        stop = f"rollback {state.rollback_id}" if state.rollback_id else "emergency disable"
        return [first, f"This ends the {stop}: “{state.disabled_reason}”"]

    def perform(self, values: dict[str, Any]) -> str:
        state = self.state
        rollout.enable(state.flag.key, state.environment.key, **self.about(values))
        return f"{state.flag.key} is on for {words.reach(state)} in {state.environment.name}."


class Disable(FlagCommand):
    verb = "Disable"

    def becomes(self, state: FlagState) -> Mapping[str, Any]:
        return {"enabled": False}

    def sentences(self, state: FlagState) -> Sequence[str]:
        return [
            f"{state.flag.key} goes off for everybody in {state.environment.name}, at once.",
            f"It is on for {words.reach(state)} now. The percentage stays {share(state.percentage)}, "
            "for when it is enabled again.",
        ]

    def perform(self, values: dict[str, Any]) -> str:
        state = self.state
        rollout.disable(state.flag.key, state.environment.key, **self.about(values))
        return f"{state.flag.key} is off in {state.environment.name}."


class EmergencyDisable(FlagCommand):
    """Asks for no version: it must work on what is there."""

    verb = "Emergency disable"
    dangerous = True

    def sentences(self, state: FlagState) -> Sequence[str]:
        return words.killing(state)

    def version(self) -> int | None:
        return None

    def reason_required(self) -> bool:
        return True

    def perform(self, values: dict[str, Any]) -> str:
        state = self.state
        emergency.emergency_disable(
            state.flag.key,
            state.environment.key,
            actor=person(self.request),
            reason=values["reason"],
            now=timezone.now(),
        )
        return f"{state.flag.key} is off for everybody in {state.environment.name}. The alert is on its way."


class RolloutForm(ReasonForm):
    """The percentage is read by the domain, which knows the flag's steps."""

    percentage = forms.CharField(
        label="Percentage of npubs",
        max_length=20,
        error_messages={"required": "Write 0 to 100."},
        widget=UnfoldAdminTextInputWidget(attrs={"inputmode": "decimal", "autofocus": True, "autocomplete": "off"}),
    )
    field_order = ("percentage", "reason", "version")


class SetRollout(FlagCommand):
    form_class = RolloutForm
    verb = "Set percentage"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """The sentences alone while somebody is typing."""
        if request.headers.get("HX-Trigger-Name") == "percentage":
            return render(request, "ops/effect.html", {"effect": self.effect()})
        return super().get(request, *args, **kwargs)

    def get_form(self, form_class: Any = None) -> forms.Form:
        form = super().get_form(form_class)
        live = {"hx-get": self.request.path, "hx-trigger": "input changed delay:200ms", "hx-target": "#ops-effect"}
        form.fields["percentage"].widget.attrs |= {**live, "hx-swap": "outerHTML"}
        return form

    def get_initial(self) -> dict[str, Any]:
        return {**super().get_initial(), "percentage": f"{float(self.state.percentage):g}"}

    @property
    def wanted(self) -> str | None:
        """What was typed so far."""
        return self.request.POST.get("percentage", self.request.GET.get("percentage"))

    def becomes(self, state: FlagState) -> Mapping[str, Any]:
        try:
            return {"percentage": read_percentage(self.wanted, Bucketing(state.flag.bucketing))} if self.wanted else {}
        except Invalid:
            return {}

    def sentences(self, state: FlagState) -> Sequence[str]:
        wanted = self.wanted
        if wanted is None:
            step = "whole percents" if Bucketing(state.flag.bucketing) is Bucketing.JS31 else "steps of 0.01"
            return [f"It stands at {share(state.percentage)} in {state.environment.name}, in {step}."]
        try:
            target = read_percentage(wanted, Bucketing(state.flag.bucketing))
        except Invalid as error:
            return [f"It stands at {share(state.percentage)}. {error}"]
        return words.moving(state, target)

    def perform(self, values: dict[str, Any]) -> str:
        state = self.state
        done = rollout.set_rollout(state.flag.key, state.environment.key, values["percentage"], **self.about(values))
        return f"{state.flag.key} in {state.environment.name}: {_from_to(state.percentage, done.percentage)}."


def _from_to(before: Decimal, after: Decimal) -> str:
    return f"stays at {share(after)}" if before == after else f"{share(before)} → {share(after)}"


class ParametersForm(ReasonForm):
    parameters = forms.CharField(
        label="Parameters (a JSON object)",
        strip=True,
        error_messages={"required": "Write a JSON object; {} for no parameters."},
        widget=UnfoldAdminTextareaWidget(
            attrs={"rows": 9, "spellcheck": "false", "class": "ops-code-area", "autofocus": True}
        ),
        help_text='Replaces all parameters. nctool gets them with each answer, for example {"autoCorrection": false}.',
    )
    field_order = ("parameters", "reason", "version")

    def clean_parameters(self) -> Any:
        return read_json(self.cleaned_data["parameters"])


class SetParameters(FlagCommand):
    form_class = ParametersForm
    verb = "Set parameters"
    moves_reach = False

    def get_initial(self) -> dict[str, Any]:
        text = json.dumps(self.state.parameters, indent=2, ensure_ascii=False)
        return {**super().get_initial(), "parameters": text}

    def sentences(self, state: FlagState) -> Sequence[str]:
        return [
            f"Everybody who asks for {state.flag.key} in {state.environment.name} gets the new parameters, at once."
        ]

    def perform(self, values: dict[str, Any]) -> str:
        state = self.state
        rollout.set_parameters(state.flag.key, state.environment.key, values["parameters"], **self.about(values))
        return f"The parameters of {state.flag.key} in {state.environment.name} are set."
