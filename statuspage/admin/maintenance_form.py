"""What a person fills in to plan or change a maintenance."""

from __future__ import annotations

import zoneinfo
from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Div, Layout
from django import forms
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from statuspage import selectors
from statuspage.domain.languages import FIRST, LANGUAGES
from statuspage.domain.texts import LONGEST_TEXT, LONGEST_TITLE
from statuspage.models import Maintenance
from statuspage.services.maintenance import Plan, as_plan

FIELD_OF = {"starts_at": "starts_on", "ends_at": "ends_on", "title": f"title_{FIRST}", "text": f"text_{FIRST}"}


def _text(rows: int) -> UnfoldAdminTextareaWidget:
    return UnfoldAdminTextareaWidget(attrs={"rows": rows})


def _moment() -> UnfoldAdminTextInputWidget:
    return UnfoldAdminTextInputWidget(attrs={"type": "datetime-local"})


class MaintenanceForm(forms.Form):
    """A title and a text for each language of the page, the first one required."""

    components = forms.MultipleChoiceField(
        label="Components",
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        error_messages={"required": "Choose what it is about: at least one component."},
    )
    starts_on = forms.CharField(label="Begins", max_length=25, widget=_moment())
    ends_on = forms.CharField(label="Ends", max_length=25, widget=_moment())
    zone = forms.ChoiceField(
        label="Time zone", widget=UnfoldAdminSelectWidget, help_text="Visitors are told both: UTC, and this one."
    )
    why = forms.CharField(
        label="Why it is changed", max_length=2000, widget=_text(2), help_text="Kept in the history with your name."
    )
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, changes: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not changes:
            del self.fields["why"]
        for language, name in LANGUAGES.items():
            self._add_language(language, name)
        shown = [(row.key, row.name) for row in selectors.components()]
        self.fields["components"].choices = shown  # type: ignore[attr-defined]
        zones = sorted(zoneinfo.available_timezones() - {"UTC", "localtime"})
        self.fields["zone"].choices = [("UTC", "UTC"), *((zone, zone) for zone in zones)]  # type: ignore[attr-defined]

    def _add_language(self, language: str, name: str) -> None:
        first = language == FIRST
        self.fields[f"title_{language}"] = forms.CharField(
            label=f"Title ({name})",
            required=first,
            max_length=LONGEST_TITLE,
            widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
            help_text="For example: Database upgrade." if first else "Empty: the English one is shown.",
        )
        self.fields[f"text_{language}"] = forms.CharField(
            label=f"Text ({name})",
            required=False,
            max_length=LONGEST_TEXT,
            widget=_text(3),
            help_text="What visitors will notice. Everybody reads this." if first else "",
        )

    @property
    def helper(self) -> FormHelper:
        helper = FormHelper()
        helper.form_tag = False
        texts = [name for language in LANGUAGES for name in (f"title_{language}", f"text_{language}")]
        helper.layout = Layout(
            Div(
                *texts[:2],
                "components",
                Div("starts_on", "ends_on", css_class="ops-pair"),
                "zone",
                *texts[2:],
                *(name for name in ("why", "version") if name in self.fields),
                css_class="flex flex-col gap-5",
            )
        )
        return helper

    @property
    def plan(self) -> Plan:
        """What was filled in, also where it is not valid: the service says what is wrong with it."""
        values = self.cleaned_data
        return Plan(
            titles={each: values.get(f"title_{each}", "") for each in LANGUAGES},
            texts={each: values.get(f"text_{each}", "") for each in LANGUAGES},
            components=values.get("components") or (),
            zone=values.get("zone", "UTC"),
            starts_at=values.get("starts_on", ""),
            ends_at=values.get("ends_on", ""),
        )

    def refuse(self, error: Exception) -> None:
        """Show a refusal at the field it is about."""
        field = getattr(error, "field", None) or ""
        field = FIELD_OF.get(field, field)
        self.add_error(field if field in self.fields else None, str(error))


def filled(row: Maintenance) -> dict[str, Any]:
    """The form's first values for a maintenance there is."""
    plan = as_plan(row)
    return {
        **{f"title_{language}": plan.titles.get(language, "") for language in LANGUAGES},
        **{f"text_{language}": plan.texts.get(language, "") for language in LANGUAGES},
        "components": plan.components,
        "starts_on": plan.starts_at,
        "ends_on": plan.ends_at,
        "zone": plan.zone,
        "version": row.version,
    }
