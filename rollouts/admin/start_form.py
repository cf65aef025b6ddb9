"""What a person fills in to start a ramp."""

from __future__ import annotations

import zoneinfo
from datetime import UTC, datetime
from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import HTML, Div, Layout
from django import forms
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from core import environments
from rollouts import selectors
from rollouts.domain.schedule import LONGEST


class StartForm(forms.Form):
    """`cleaned_data["starts_at"]` is the chosen moment, or None for now."""

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
        opened = "open" if any(self[name].errors or self[name].value() for name in ("pace", "soak")) else ""
        helper.layout = Layout(
            Div(
                "template",
                "environment",
                Div("starts_on", "zone", css_class="ramp-pair"),
                "reason",
                HTML(f'<details class="ramp-advanced" {opened}><summary class="ops-link">For a rehearsal</summary>'),
                Div("pace", "soak", css_class="ramp-pair"),
                HTML("</details>"),
                css_class="flex flex-col gap-5",
            )
        )
        return helper

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        cleaned["starts_at"] = None
        local, zone = cleaned.get("starts_on"), cleaned.get("zone") or "UTC"
        if local is not None and "zone" not in self.errors:
            try:
                cleaned["starts_at"] = moment(local, zone)
            except ValueError as error:
                self.add_error("starts_on", str(error))
        return cleaned


def moment(local: datetime, zone: str) -> datetime:
    """The moment a clock in this zone shows `local`. ValueError where it never does, or does twice."""
    naive = local.replace(tzinfo=None)
    first, second = (naive.replace(tzinfo=zoneinfo.ZoneInfo(zone), fold=fold) for fold in (0, 1))
    if first.utcoffset() == second.utcoffset():
        return first.astimezone(UTC)
    if first.astimezone(UTC).astimezone(first.tzinfo).replace(tzinfo=None) != naive:
        raise ValueError(f"The clocks in {zone} skip {naive:%H:%M} on {naive:%Y-%m-%d}. Choose another time, or UTC.")
    raise ValueError(f"{naive:%H:%M} comes twice on {naive:%Y-%m-%d} in {zone}. Say it in UTC.")
