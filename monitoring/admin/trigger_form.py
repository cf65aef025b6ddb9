"""Change when a trigger fires and what it does: a form that tells the new rule in words while it is filled in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from typing import Any, cast

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from core.admin.confirm import ConfirmView, Effect, ReasonForm
from core.admin.read_only import person
from core.errors import Invalid, StaleVersion
from monitoring.admin import verdicts, words
from monitoring.domain.measures.rule import TESTED
from monitoring.domain.rule import Definition
from monitoring.domain.verdict import Action, Measure, TriggerState
from monitoring.models import Trigger
from monitoring.services import triggers

PERMISSION = "monitoring.define_trigger"
FIELDS = (
    "threshold",
    "clear_threshold",
    "window",
    "max_window",
    "min_samples",
    "consecutive",
    "percentile",
    "alpha",
    "factor",
    "cooldown",
    "actions",
    "observe",
    "enabled",
)
ACTIONS = {
    Action.NOTIFY: "tell people",
    Action.PAUSE: "pause all ramps here",
    Action.ROLLBACK: "roll back",
    Action.FREEZE: "freeze the environment, switch nothing off",
}
OF_MEASURES = {"percentile": (Measure.MEAN,), "alpha": TESTED, "factor": (Measure.CANARY,)}


def _number(label: str, told: str, *, whole: bool = True, required: bool = True) -> forms.Field:
    kind = forms.IntegerField if whole else forms.FloatField
    widget = UnfoldAdminTextInputWidget(attrs={"inputmode": "numeric" if whole else "decimal", "autocomplete": "off"})
    return kind(label=label, help_text=told, required=required, widget=widget)


class TriggerForm(ReasonForm):
    """What a person may change: not what it looks at, nor the flag it is about."""

    threshold = _number("Threshold", "It breaches above it, never at it.", whole=False)
    clear_threshold = _number(
        "Passes again at", "After a breach; empty: at the threshold.", whole=False, required=False
    )
    window = _number("Window, seconds", "10 to 3600, in steps of ten.")
    max_window = _number("Waits for its samples, seconds", "At least the window, at most an hour.")
    min_samples = _number("Minimum of samples", "Below it, a window says nothing.")
    consecutive = _number("Breaches in a row", "So many fire.")
    percentile = _number("Percentile", "50 to 99 must be above the threshold as well; 0: the mean alone.")
    alpha = _number(
        "Alpha", "How often chance alone may do it, 0 to 0.5; empty: as usual.", whole=False, required=False
    )
    factor = _number(
        "Factor", "So many times the control's rate are still fine, 1 to 100.", whole=False, required=False
    )
    cooldown = _number("Cool-down, seconds", "So long after it was re-armed it does not fire.")
    actions = forms.MultipleChoiceField(
        label="When it fires",
        choices=[(action.value, text) for action, text in ACTIONS.items()],
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        error_messages={"required": "Choose what it does: at least tell people."},
    )
    observe = forms.BooleanField(label="Only observe", required=False, widget=UnfoldBooleanSwitchWidget)
    enabled = forms.BooleanField(label="Enabled", required=False, widget=UnfoldBooleanSwitchWidget)
    field_order = (*FIELDS, "reason")

    def for_measure(self, measure: Measure) -> None:
        """Leave out what this measure does not have."""
        for name, measures in OF_MEASURES.items():
            if measure not in measures:
                del self.fields[name]
        if measure is Measure.CANARY:
            del self.fields["clear_threshold"]
        self.fields["threshold"].help_text += f" In {words.UNIT[measure] or 'a count'}."


class DefineView(ConfirmView):
    """The trigger's settings; the sentences above them tell the rule as it would be."""

    permission_required = PERMISSION
    form_class = TriggerForm

    @property
    def trigger(self) -> Trigger:
        return verdicts.find(self.kwargs["object_id"])

    def subject(self) -> tuple[str, int | None]:
        return f"trigger:{self.trigger.key}", self.trigger.environment_id

    def version(self) -> int | None:
        """The newest event about it: triggers have no version of their own."""
        return self.last_event()

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """The sentences alone while somebody fills it in."""
        if request.headers.get("HX-Trigger-Name") in FIELDS:
            return render(request, "ops/effect.html", {"effect": self.effect()})
        return super().get(request, *args, **kwargs)

    def get_form(self, form_class: Any = None) -> forms.Form:
        form = cast(TriggerForm, super().get_form(form_class))
        form.for_measure(Measure(self.trigger.measure))
        del form.fields["reason"].widget.attrs["autofocus"]  # the settings come first
        shown = [name for name in FIELDS if name in form.fields]
        live = {
            "hx-get": self.request.path,
            "hx-trigger": "input changed delay:300ms, change",
            "hx-target": "#ops-effect",
        }
        include = ", ".join(f"[name={name}]" for name in shown)
        for name in shown:
            form.fields[name].widget.attrs |= {**live, "hx-swap": "outerHTML", "hx-include": include}
        return form

    def get_initial(self) -> dict[str, Any]:
        rule = triggers.rule_of(self.trigger)
        return {**super().get_initial(), **{name: rule[name] for name in FIELDS}}

    def effect(self) -> Effect:
        row = self.trigger
        return Effect(f"Change {row.name}", self._told(row), submit="Change the trigger", environment=row.environment)

    def _told(self, row: Trigger) -> Sequence[str]:
        sent = self.request.POST or self.request.GET
        told = [f"Now: {words.rule(row)}"]
        if sent:
            told += self._becomes(row, sent)
        told.append(
            "It judges anew from then on, by the new rule alone: a breach or a pass under the old one is forgotten."
        )
        if row.state == TriggerState.LATCHED:
            told.append("It has fired, and stays latched until a person re-arms it.")
        return told

    def _becomes(self, row: Trigger, sent: Mapping[str, Any]) -> list[str]:
        form = TriggerForm(sent)
        form.for_measure(Measure(row.measure))
        form.is_valid()
        missing = [name for name in form.errors if name in FIELDS]
        if missing:
            return [f"{form.fields[missing[0]].label}: {form.errors[missing[0]][0]}"]
        try:
            rule = Definition.read(row.key, {**triggers.rule_of(row), **_values(form.cleaned_data)}).as_dict()
        except Invalid as error:
            return [str(error)]
        after = copy(row)
        for name in FIELDS:
            setattr(after, name, rule[name])
        sentence = words.rule(after)
        return [f"Then: {sentence}" if after.enabled else "Then: it is not enabled, and guards nothing."]

    def perform(self, values: dict[str, Any]) -> str:
        row, seen = self.trigger, self.version()
        if values["version"] is not None and values["version"] != seen:
            raise StaleVersion(row.name, expected=values["version"], actual=seen or 0)
        triggers.define(
            row.key,
            row.environment.key,
            _values(values),
            actor=person(self.request),
            reason=values["reason"],
            now=timezone.now(),
        )
        return f"{row.name} in {row.environment} judges by its new rule."

    def back(self) -> str:
        return reverse("admin:monitoring_trigger_change", args=[self.kwargs["object_id"]])


def _values(given: Mapping[str, Any]) -> dict[str, Any]:
    """The fields as the service takes them, as far as the form has them."""
    return {name: given[name] for name in FIELDS if name in given}
