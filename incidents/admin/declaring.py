"""Declare an incident: a short form, and beside it what that sets in motion."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import Model
from django.urls import reverse
from django.utils import timezone
from unfold.widgets import (
    UnfoldAdminSelectMultipleWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

import flags.selectors
from core import environments
from core.admin.plain_form import PlainForm
from core.admin.previewed_form import PreviewedForm
from core.admin.read_only import person
from incidents import selectors
from incidents.admin import words
from incidents.admin.commands import OPERATE
from incidents.domain.states import Level
from incidents.services import measuring, opening


class DeclareForm(PlainForm):
    environment = forms.ChoiceField(label="Environment", widget=UnfoldAdminSelectWidget)
    title = forms.CharField(
        label="What is wrong",
        max_length=opening.MOST_TITLE,
        widget=UnfoldAdminTextInputWidget(attrs={"autofocus": True}),
        error_messages={"required": "Say what is wrong, in a few words."},
    )
    level = forms.TypedChoiceField(label="Level", coerce=int, widget=UnfoldAdminSelectWidget)
    summary = forms.CharField(
        label="What is known",
        required=False,
        max_length=opening.MOST_SUMMARY,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
    )
    flags = forms.MultipleChoiceField(
        label="Flags that it is about",
        required=False,
        widget=UnfoldAdminSelectMultipleWidget,
        help_text="None: those that are on or ramp.",
    )
    components = forms.CharField(
        label="Affected components",
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text="Keys of the status page, with commas between.",
    )
    separate = forms.BooleanField(
        label="This is another one than the one that is open there", required=False, widget=UnfoldBooleanSwitchWidget
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        where = [(row.key, f"{row.name}, protected" if row.protected else row.name) for row in environments.ordered()]
        policies = selectors.policies()
        levels = [(each.value, f"{each.value}: {policies[each].name}") for each in Level]
        keys = flags.selectors.flags().values_list("key", flat=True)
        choices = {"environment": where, "level": levels, "flags": [(key, key) for key in keys]}
        for name, found in choices.items():
            self.fields[name].choices = found  # type: ignore[attr-defined]

    def refuse(self, error: Exception) -> None:
        field = getattr(error, "field", None)
        self.add_error(field if field in self.fields else None, str(error))


class DeclareView(PreviewedForm):
    permission_required = OPERATE
    title = "Declare an incident"
    form_class = DeclareForm
    preview_template = "incidents/preview.html"
    submit = "Declare it"

    def get_initial(self) -> dict[str, Any]:
        last = environments.ordered().last()
        first = {"environment": last.key if last else "", "level": Level.MAJOR.value}
        return first | {name: self.request.GET[name] for name in ("environment", "title") if name in self.request.GET}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        now, given = timezone.now(), self.request.POST or self.request.GET
        start = self.get_initial()
        key, wanted = given.get("environment") or start["environment"], given.get("level") or str(start["level"])
        where = next((row for row in environments.ordered() if row.key == key), None)
        policies = selectors.policies()
        level = Level(int(wanted)) if wanted in ("1", "2", "3") else Level.MAJOR
        back = reverse("admin:incidents_incident_changelist")
        told = {
            "place": where,
            "policy": policies[level],
            "look": words.LEVEL_LOOK[level],
            "known": selectors.gathering(where.pk) if where else None,
            "gauges": words.gauges(measuring.look(where.pk, where.key, now=now), policies) if where else [],
        }
        return super().get_context_data(back=back, crumbs=[("Incidents", back)], now=now, **told, **kwargs)

    def perform(self, form: Any) -> Model:
        told = form.cleaned_data
        return opening.declare(
            told["environment"],
            told["title"],
            told["level"],
            summary=told["summary"],
            flag_keys=told["flags"],
            components=told["components"].split(","),
            separate=told["separate"],
            actor=person(self.request),
            now=timezone.now(),
        )

    def done(self, row: Any) -> tuple[str, str]:
        return "Declared. Work on it here.", reverse("admin:incidents_incident_change", args=[row.pk])
