"""What a person fills in of a channel."""

from __future__ import annotations

from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from communications.domain.channels import ChannelKind
from communications.domain.setups import SETUPS
from core.admin.plain_form import PlainForm


class ChannelForm(PlainForm):
    """The fields of all kinds; those of the chosen kind count."""

    key = forms.CharField(
        label="Key", max_length=40, widget=UnfoldAdminTextInputWidget, help_text="How the plan calls it. It stays."
    )
    name = forms.CharField(label="Name", max_length=80, widget=UnfoldAdminTextInputWidget)
    kind = forms.ChoiceField(
        label="Kind",
        choices=[(kind.value, setup.title) for kind, setup in SETUPS.items()],
        widget=UnfoldAdminSelectWidget,
    )
    base_url = forms.CharField(label="API address", required=False, widget=UnfoldAdminTextInputWidget)
    url = forms.CharField(label="Address", required=False, widget=UnfoldAdminTextInputWidget)
    username = forms.CharField(label="User", required=False, widget=UnfoldAdminTextInputWidget)
    reason = forms.CharField(label="Why", max_length=2000, widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}))
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, kind: ChannelKind | None = None, changes: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if changes:
            self.fields["key"].disabled = True
        wanted = {field.name: field for field in SETUPS[kind].fields} if kind else {}
        for name in ("base_url", "url", "username"):
            if name not in wanted:
                del self.fields[name]
            else:
                self.fields[name].label = wanted[name].label
                self.fields[name].help_text = wanted[name].help or (
                    f"Empty: {wanted[name].default}" if wanted[name].default else ""
                )

    def given(self) -> dict[str, str]:
        return {name: self.cleaned_data[name] for name in ("base_url", "url", "username") if name in self.fields}

    def refuse(self, error: Exception) -> None:
        field = getattr(error, "field", None)
        self.add_error(field if field in self.fields else None, str(error))
