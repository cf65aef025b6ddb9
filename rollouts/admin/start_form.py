"""What a person fills in to start a ramp."""

from __future__ import annotations

import zoneinfo
from datetime import UTC, datetime
from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import HTML, Div, Layout
from django import forms
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanWidget,
)

from core import environments
from core.repeating import WEEKDAYS
from rollouts import selectors
from rollouts.domain.hours import DAYS, WORKING
from rollouts.domain.schedule import LONGEST


class StartForm(forms.Form):
    """`cleaned_data` also has `starts_at`, the chosen moment or None for now, and `hours` as a start takes them."""

    template = forms.ChoiceField(label="Ramp", widget=UnfoldAdminSelectWidget)
    environment = forms.ChoiceField(label="Environment", widget=UnfoldAdminSelectWidget)
    starts_on = forms.DateTimeField(
        label="First step at",
        required=False,
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S"],
        widget=UnfoldAdminTextInputWidget(attrs={"type": "datetime-local"}),
        help_text="Empty: now. The clock takes the first step at its next look after this time.",
        error_messages={"invalid": "A date and a time, for example 2025-08-11 09:00."},
    )
    zone = forms.ChoiceField(label="Time zone", initial="UTC", required=False, widget=UnfoldAdminSelectWidget)
    reason = forms.CharField(
        label="Reason",
        max_length=2000,
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text="Kept in the history with your name. A protected environment asks for it.",
    )
    opens = forms.TimeField(
        label="Steps are taken from",
        required=False,
        widget=UnfoldAdminTextInputWidget(attrs={"type": "time"}),
        help_text="In the time zone above. Empty: as the playbook says.",
        error_messages={"invalid": "A time of day, for example 09:00."},
    )
    closes = forms.TimeField(
        label="Until",
        required=False,
        widget=UnfoldAdminTextInputWidget(attrs={"type": "time"}),
        help_text="Not after the time before: on the next day.",
        error_messages={"invalid": "A time of day, for example 17:00."},
    )
    days = forms.MultipleChoiceField(
        label="On these days",
        required=False,
        choices=list(zip(DAYS, WEEKDAYS.values(), strict=True)),
        initial=list(WORKING),
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )
    any_time = forms.BooleanField(
        label="At any time, whatever the playbook says", required=False, widget=UnfoldBooleanWidget
    )
    pace = forms.IntegerField(
        label="Seconds between steps",
        required=False,
        min_value=1,
        max_value=LONGEST,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text="In place of the playbook's weeks.",
    )
    soak = forms.IntegerField(
        label="Seconds of PASS before each step",
        required=False,
        min_value=0,
        max_value=LONGEST,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text="In place of the playbook's soak time.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [(row.key, f"{row.name} ({row.flag.key})") for row in selectors.templates()]
        self.fields["template"].choices = [("", "Choose a ramp"), *choices]  # type: ignore[attr-defined]
        where = [(row.key, f"{row.name}, protected" if row.protected else row.name) for row in environments.ordered()]
        self.fields["environment"].choices = [("", "Choose an environment"), *where]  # type: ignore[attr-defined]
        zones = sorted(zoneinfo.available_timezones() - {"UTC", "localtime"})
        self.fields["zone"].choices = [("UTC", "UTC"), *((zone, zone) for zone in zones)]  # type: ignore[attr-defined]

    @property
    def helper(self) -> FormHelper:
        helper = FormHelper()
        helper.form_tag = False
        helper.layout = Layout(
            Div(
                "template",
                "environment",
                Div("starts_on", "zone", css_class="ramp-pair"),
                "reason",
                self._more("Hours and days", ("opens", "closes", "any_time"), "days"),
                self._more("For a rehearsal", ("pace", "soak")),
                css_class="flex flex-col gap-5",
            )
        )
        return helper

    def _more(self, title: str, names: tuple[str, ...], *below: str) -> Layout:
        """Fields that are seldom needed, folded away while they are empty."""
        opened = "open" if any(self[name].errors or self[name].value() for name in names) else ""
        return Layout(
            HTML(f'<details class="ramp-advanced" {opened}><summary class="ops-link">{title}</summary>'),
            Div(Div(*names[:2], css_class="ramp-pair"), *below, *names[2:], css_class="flex flex-col gap-5"),
            HTML("</details>"),
        )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        cleaned["starts_at"], cleaned["hours"] = None, self._hours(cleaned)
        local, zone = cleaned.get("starts_on"), cleaned.get("zone") or "UTC"
        if local is not None and "zone" not in self.errors:
            try:
                cleaned["starts_at"] = moment(local, zone)
            except ValueError as error:
                self.add_error("starts_on", str(error))
        return cleaned

    def _hours(self, cleaned: dict[str, Any]) -> dict[str, Any] | None:
        """What the person wants in place of the playbook's hours; None for nothing."""
        opens, closes = cleaned.get("opens"), cleaned.get("closes")
        own = opens is not None or closes is not None
        if cleaned.get("any_time"):
            if own:
                self.add_error("any_time", "At any time, or from and to: choose one.")
            return {}
        if not own:
            return None
        if opens is None or closes is None:
            self.add_error("opens" if opens is None else "closes", "Give both times, or neither.")
            return None
        if not cleaned.get("days"):
            self.add_error("days", "Choose at least one day.")
            return None
        zone = cleaned.get("zone") or "UTC"
        return {"from": f"{opens:%H:%M}", "to": f"{closes:%H:%M}", "days": cleaned["days"], "zone": zone}


def moment(local: datetime, zone: str) -> datetime:
    """The moment a clock in this zone shows `local`. ValueError where it never does, or does twice."""
    naive = local.replace(tzinfo=None)
    first, second = (naive.replace(tzinfo=zoneinfo.ZoneInfo(zone), fold=fold) for fold in (0, 1))
    if first.utcoffset() == second.utcoffset():
        return first.astimezone(UTC)
    if first.astimezone(UTC).astimezone(first.tzinfo).replace(tzinfo=None) != naive:
        raise ValueError(f"The clocks in {zone} skip {naive:%H:%M} on {naive:%Y-%m-%d}. Choose another time, or UTC.")
    raise ValueError(f"{naive:%H:%M} comes twice on {naive:%Y-%m-%d} in {zone}. Say it in UTC.")
