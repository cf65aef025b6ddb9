"""Which parts of the status page something affects, as the forms of the apps above ask it."""

from __future__ import annotations

from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from statuspage import selectors

NONE = "-"  # no key of a part
UNSAID = "Say which parts are affected, or that none of them is."


class AffectedField(forms.MultipleChoiceField):
    """What is said: keys of the parts, empty for none of them; None where nothing is ticked."""

    def __init__(self, *, required: bool, help_text: str) -> None:
        super().__init__(
            label="Affected parts of the status page",
            choices=[*selectors.components().values_list("key", "name"), (NONE, "None of these")],
            required=required,
            widget=UnfoldAdminCheckboxSelectMultipleWidget,
            help_text=help_text,
            error_messages={"required": UNSAID},
        )

    def clean(self, value: Any) -> list[str] | None:
        ticked = super().clean(value)
        if NONE in ticked and len(ticked) > 1:
            raise forms.ValidationError("Tick the affected parts, or that none is: not both.")
        return [key for key in ticked if key != NONE] if ticked else None
