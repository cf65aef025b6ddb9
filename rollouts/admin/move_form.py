"""What a person fills in to move the next step of a ramp."""

from __future__ import annotations

import zoneinfo
from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from core.admin.confirm import ReasonForm
from rollouts.admin.start_form import moment

LOCAL = "%Y-%m-%dT%H:%M"  # as browsers send it


class MoveForm(ReasonForm):
    """`cleaned_data` also has `to`, the chosen moment."""

    on = forms.DateTimeField(
        label="Next step at",
        input_formats=[LOCAL, "%Y-%m-%d %H:%M"],
        widget=UnfoldAdminTextInputWidget(attrs={"type": "datetime-local"}),
        error_messages={"invalid": "A date and a time, for example 2025-08-11 09:00.", "required": "Say when."},
    )
    zone = forms.ChoiceField(label="Time zone", widget=UnfoldAdminSelectWidget)

    field_order = ["on", "zone", "reason"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        zones = ["UTC", *sorted(zoneinfo.available_timezones() - {"UTC", "localtime"})]
        self.fields["zone"].choices = [(zone, zone) for zone in zones]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if "on" in cleaned and "zone" in cleaned:
            try:
                cleaned["to"] = moment(cleaned["on"], cleaned["zone"])
            except ValueError as error:
                self.add_error("on", str(error))
        return cleaned
