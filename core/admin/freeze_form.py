"""What a person fills in to plan or change a freeze."""

from __future__ import annotations

import zoneinfo
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Div, Layout
from django import forms
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from core import environments
from core.calendar import read_start
from core.errors import Invalid
from core.freezing import Plan
from core.models import Freeze
from core.repeating import LABELS, WEEKDAYS, Choice, Repeat, chosen, compose

UNITS = {"minutes": 60, "hours": 3600, "days": 86400}
FIELD_OF = {"starts_at": "starts_on", "duration": "lasts", "recurrence": "rule"}


def _text(rows: int) -> UnfoldAdminTextareaWidget:
    return UnfoldAdminTextareaWidget(attrs={"rows": rows})


class FreezeForm(forms.Form):
    """`plan` is what was filled in, checked; None while something is wrong."""

    plan: Plan | None = None

    name = forms.CharField(
        label="Name",
        max_length=120,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
        help_text="For example: Pay day.",
    )
    reason = forms.CharField(
        label="Reason",
        max_length=2000,
        widget=_text(2),
        help_text="What it protects. Everybody whom the freeze stops reads this.",
    )
    environments = forms.MultipleChoiceField(
        label="Environments",
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        error_messages={"required": "Choose at least one environment."},
    )
    starts_on = forms.CharField(
        label="Starts", max_length=25, widget=UnfoldAdminTextInputWidget(attrs={"type": "datetime-local"})
    )
    zone = forms.ChoiceField(
        label="Time zone",
        widget=UnfoldAdminSelectWidget,
        help_text="The time of day stays the same when its clocks change.",
    )
    lasts = forms.DecimalField(
        label="Lasts", min_value=Decimal("0.01"), max_value=Decimal(44640), widget=UnfoldAdminDecimalFieldWidget
    )
    unit = forms.ChoiceField(label="Unit", choices=[(unit, unit) for unit in UNITS], widget=UnfoldAdminSelectWidget)
    repeats = forms.ChoiceField(
        label="Repeats", choices=[(one.value, text) for one, text in LABELS.items()], widget=UnfoldAdminSelectWidget
    )
    days = forms.MultipleChoiceField(
        label="On these days",
        required=False,
        choices=list(WEEKDAYS.items()),
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text="None chosen: the day of the start.",
    )
    month_days = forms.CharField(
        label="On these days of the month",
        required=False,
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "1, 15, -1"}),
        help_text="Numbers, counted from the end with a minus: -1 is the last day. Empty: the day of the start.",
    )
    rule = forms.CharField(
        label="Rule",
        required=False,
        max_length=300,
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "FREQ=MONTHLY;BYDAY=-1FR", "autocomplete": "off"}),
        help_text="The value of an RRULE (RFC 5545), daily or rarer.",
    )
    until = forms.DateField(
        label="The last time on",
        required=False,
        widget=UnfoldAdminTextInputWidget(attrs={"type": "date"}),
        help_text="Empty: for as long as the freeze is not ended.",
    )
    but_not = forms.CharField(
        label="But not on",
        required=False,
        widget=_text(2),
        help_text="Dates on which it falls out, for example 2025-12-24, separated by blanks or commas.",
    )
    why = forms.CharField(
        label="Why it is changed", max_length=2000, widget=_text(2), help_text="Kept in the history with your name."
    )
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, changes: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not changes:
            del self.fields["why"]
        where = [(row.key, f"{row.name}, protected" if row.protected else row.name) for row in environments.ordered()]
        self.fields["environments"].choices = where  # type: ignore[attr-defined]
        zones = sorted(zoneinfo.available_timezones() - {"UTC", "localtime"})
        self.fields["zone"].choices = [("UTC", "UTC"), *((zone, zone) for zone in zones)]  # type: ignore[attr-defined]

    @property
    def helper(self) -> FormHelper:
        helper = FormHelper()
        helper.form_tag = False
        helper.layout = Layout(
            Div(
                *("name", "reason", "environments"),
                Div("starts_on", "zone", css_class="ops-pair"),
                Div("lasts", "unit", css_class="ops-pair"),
                "repeats",
                Div("days", css_class="freeze-only", data_repeats="weekly"),
                Div("month_days", css_class="freeze-only", data_repeats="month_days"),
                Div("rule", css_class="freeze-only", data_repeats="rule"),
                Div("until", css_class="freeze-only", data_repeats="limited"),
                Div("but_not", css_class="freeze-only", data_repeats="again"),
                *(name for name in ("why", "version") if name in self.fields),
                css_class="flex flex-col gap-5",
            )
        )
        return helper

    def clean_starts_on(self) -> datetime:
        try:
            return read_start(self.cleaned_data["starts_on"])
        except Invalid as error:
            raise forms.ValidationError(str(error)) from error

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if self.missing("starts_on", "zone", "lasts", "unit", "repeats"):
            return cleaned
        wanted = self._wanted(cleaned)
        try:
            wanted.timetable()
        except Invalid as error:
            self.refuse(error)
        else:
            self.plan = wanted
        return cleaned

    def missing(self, *names: str) -> bool:
        """Whether one of these fields has no value that can be used."""
        return any(self.cleaned_data.get(name) in (None, "") for name in names)

    def refuse(self, error: Exception) -> None:
        """Show a refusal at the field it is about."""
        field = getattr(error, "field", None) or ""
        field = FIELD_OF.get(field, field)
        if field == "rule" and self.cleaned_data.get("repeats") != Repeat.RULE:
            field = "month_days" if self.cleaned_data.get("repeats") == Repeat.MONTH_DAYS else "repeats"
        self.add_error(field if field in self.fields else None, str(error))

    def _wanted(self, values: dict[str, Any]) -> Plan:
        start: datetime = values["starts_on"]
        choice = Choice(
            Repeat(values["repeats"]),
            days=values.get("days") or (),
            month_days=values.get("month_days") or "",
            rule=values.get("rule") or "",
            until=values.get("until"),
        )
        return Plan(
            name=values.get("name", ""),
            reason=values.get("reason", ""),
            environments=values.get("environments") or (),
            zone=values["zone"],
            starts_at=start.isoformat(),
            duration=round(values["lasts"] * UNITS[values["unit"]]),
            recurrence=_rule(choice, start),
            but_not=values.get("but_not", "").replace(",", " ").split() if choice.repeat is not Repeat.ONCE else (),
        )


def _rule(choice: Choice, start: datetime) -> str:
    """A rule that is asked for and not given is told as such, not taken for `once`."""
    return compose(choice, start) or ("FREQ=" if choice.repeat is Repeat.RULE else "")


def filled(freeze: Freeze) -> dict[str, Any]:
    """The form's first values for a freeze there is."""
    start = datetime.fromisoformat(freeze.starts_at)
    choice = chosen(freeze.recurrence, start)
    unit = next(
        unit for unit in ("days", "hours", "minutes") if freeze.duration % UNITS[unit] == 0 or unit == "minutes"
    )
    return {
        "name": freeze.name,
        "reason": freeze.reason,
        "environments": [each.key for each in freeze.environments.all()],
        "starts_on": start.isoformat(timespec="minutes"),
        "zone": freeze.zone,
        "lasts": Decimal(freeze.duration) / UNITS[unit],
        "unit": unit,
        "repeats": choice.repeat.value,
        "days": choice.days,
        "month_days": choice.month_days.replace(",", ", "),
        "rule": choice.rule,
        "until": choice.until and choice.until.isoformat(),
        "but_not": ", ".join(freeze.but_not),
        "version": freeze.version,
    }


def blank(start: datetime, zone: str) -> dict[str, Any]:
    """The form's first values for a new freeze: the coming full hour, for a day."""
    soon = (start + timedelta(hours=1)).replace(minute=0, second=0, microsecond=0)
    return {
        "starts_on": soon.isoformat(timespec="minutes"),
        "zone": zone,
        "lasts": 24,
        "unit": "hours",
        "repeats": Repeat.ONCE.value,
    }
