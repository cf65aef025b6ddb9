"""What a person fills in to register a risk or to change one."""

from __future__ import annotations

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

from core.admin.confirm import ReasonForm
from risk.admin import safeguards
from risk.domain.levels import RiskState
from risk.domain.matrix import HURTS, LIKELY
from risk.models import Risk
from risk.services.register import entry_of

KINDS = {"trigger": "Triggers that mitigate it", "alert": "Alerts that tell of it", "ramp": "Ramps that mitigate it"}


def _text(**attrs: Any) -> UnfoldAdminTextInputWidget:
    return UnfoldAdminTextInputWidget(attrs={"autocomplete": "off", **attrs})


class RiskForm(ReasonForm):
    key = forms.SlugField(
        label="Key", max_length=60, widget=_text(), help_text="For the history and the playbook: data-corruption."
    )
    title = forms.CharField(label="What may happen", max_length=200, widget=_text())
    probability = forms.ChoiceField(
        label="Probability", choices=[(one.value, one.value) for one in LIKELY], widget=UnfoldAdminSelectWidget
    )
    impact = forms.ChoiceField(
        label="Impact", choices=[(one.value, one.value) for one in HURTS], widget=UnfoldAdminSelectWidget
    )
    mitigations = forms.CharField(
        label="What is done about it",
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 5}),
        help_text="One on each line.",
    )
    owner = forms.CharField(label="Owner", required=False, max_length=120, widget=_text())
    state = forms.ChoiceField(
        label="State", choices=[(one.value, one.value) for one in RiskState], widget=UnfoldAdminSelectWidget
    )
    review_on = forms.DateField(
        label="Review on",
        required=False,
        widget=_text(type="date"),
        help_text="When somebody looks at it again. It is shown as overdue from the day after.",
    )

    def __init__(self, *args: Any, row: Risk | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if row is not None:
            del self.fields["key"]
        del self.fields["reason"].widget.attrs["autofocus"]  # the form begins far above it
        known, linked = safeguards.known(), row.links if row else []
        for kind, label in KINDS.items():
            kept = [link["key"] for link in linked if link["kind"] == kind]
            names = {key: found[0].name for key, found in known[kind].items()}
            self.fields[kind] = forms.MultipleChoiceField(
                label=label,
                required=False,
                choices=[(key, names.get(key, f"{key} (not there)")) for key in dict.fromkeys([*kept, *names])],
                widget=UnfoldAdminCheckboxSelectMultipleWidget,
            )
        order = ["key", "title", "probability", "impact", "mitigations", "owner", "state", "review_on", *KINDS]
        self.order_fields([*order, "reason"])

    @property
    def helper(self) -> FormHelper:
        """Two columns where there is room; the lists scroll."""
        helper = FormHelper()
        helper.form_tag = False
        short = [Div(*pair, css_class="risk-pair") for pair in (("probability", "impact"), ("owner", "review_on"))]
        lists = [Div(kind, css_class="risk-choices") for kind in KINDS]
        first = [name for name in ("key", "title") if name in self.fields]
        fields = [*first, short[0], "mitigations", short[1], "state", *lists, "reason", "version", "seen"]
        helper.layout = Layout(Div(*fields, css_class="flex flex-col gap-5"))
        return helper

    def values(self, row: Risk | None) -> dict[str, Any]:
        """The fields of the risk as the service takes them. Links of other kinds stay as they are."""
        given = self.cleaned_data
        links = [link for link in (row.links if row else []) if link["kind"] not in KINDS]
        return {
            **{field: given[field] for field in ("title", "probability", "impact", "owner", "state")},
            "mitigations": [line.strip() for line in given["mitigations"].splitlines() if line.strip()],
            "review_on": given["review_on"].isoformat() if given["review_on"] else "",
            "links": [*links, *({"kind": kind, "key": key} for kind in KINDS for key in given[kind])],
        }


def initial(row: Risk) -> dict[str, Any]:
    """What the form of an existing risk starts with."""
    entry = entry_of(row)
    linked = {kind: [link["key"] for link in entry.links if link["kind"] == kind] for kind in KINDS}
    return {**entry.as_dict(), "mitigations": "\n".join(entry.mitigations), **linked}
