"""What people write: an update for audiences, a note, and that an action is done."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import HTML, Div, Layout
from django import forms
from django.urls import reverse
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldBooleanSwitchWidget

import statuspage.selectors
from core.admin.confirm import ReasonForm
from core.admin.row_command import RowCommand
from core.errors import DomainError, NotFound
from incidents.admin.commands import OPERATE, IncidentCommand
from incidents.domain.telling import AUDIENCES, EXTERNAL, INTERNAL, MOST
from incidents.models import Action, Incident
from incidents.services import acting, telling
from statuspage.admin.affected import UNSAID, AffectedField


class UpdateForm(ReasonForm):
    """`reason` is the main text, which those inside are told who have no text of their own."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if statuspage.selectors.components().exists():
            self.fields["components"] = AffectedField(
                required=False, help_text="Needed when users or partners are told."
            )
        for name, title in AUDIENCES.items():
            told = "Sent to them as it is written here." if name in EXTERNAL else "Empty: what is known now."
            self.fields[name] = forms.CharField(
                label=title,
                required=False,
                max_length=MOST,
                help_text=told,
                widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
            )

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        unsaid = "components" in values and values["components"] is None
        if unsaid and any(values.get(name) for name in EXTERNAL):
            self.add_error("components", UNSAID)
        return values

    @property
    def helper(self) -> FormHelper:
        helper = FormHelper()
        helper.form_tag = False
        first = ("reason", *EXTERNAL)
        shown = [*first, *(name for name in self.fields if name not in (*first, *INTERNAL))]
        column = "flex flex-col gap-5"
        helper.layout = Layout(
            Div(*shown, css_class=column),
            HTML('<details class="ops-whole ops-gap-above-big"><summary>Other words for those inside</summary>'),
            Div(*INTERNAL, css_class=f"{column} ops-gap-above"),
            HTML("</details>"),
        )
        return helper


class Update(IncidentCommand):
    name, label, icon, tone = "update", "Post an update", "campaign", "primary"
    form_class = UpdateForm
    reason_label = "What is known now"
    reason_help = "For those inside. Say when you will say more."

    def reason_required(self) -> bool:
        """Not when somebody else is told something: the service says so otherwise."""
        return False

    def get_form(self, form_class: Any = None) -> forms.Form:
        form = super().get_form(form_class)
        form.fields["reason"].label = self.reason_label
        return form

    def get_initial(self) -> dict[str, Any]:
        return {**super().get_initial(), "components": self.row.components}

    def sentences(self) -> Sequence[str]:
        return ["Written once, told to each audience in its words. Users and partners are told only their own text."]

    def field_of(self, error: DomainError) -> str | None:
        field = getattr(error, "field", None)
        return field if field == "components" else "reason"

    def perform(self, values: dict[str, Any]) -> str:
        texts = {name: values[name] for name in AUDIENCES if values[name]}
        telling.update(self.row.pk, values["reason"], texts=texts, components=values.get("components"), **self.who())
        return "The update is on its way."


class NoteForm(ReasonForm):
    pin = forms.BooleanField(
        label="Pin it on top",
        required=False,
        widget=UnfoldBooleanSwitchWidget,
        help_text="A fact that everybody who comes has to know.",
    )


class Note(IncidentCommand):
    name, label, icon = "note", "Write a note", "edit_note"
    form_class = NoteForm
    reason_label = "Note"
    reason_help = "In the timeline, with your name."

    def sentences(self) -> Sequence[str]:
        return ["Only those who may see incidents read it."]

    def perform(self, values: dict[str, Any]) -> str:
        telling.note(self.row.pk, values["reason"], pin=values["pin"], **self.who())
        return "Written."


class UnpinForm(ReasonForm):
    fact = forms.CharField(widget=forms.HiddenInput)


class Unpin(IncidentCommand):
    name, label, icon = "unpin", "Take from the top", "keep_off"
    form_class = UnpinForm
    takes_reason = False

    def get_initial(self) -> dict[str, Any]:
        return {**super().get_initial(), "fact": self.request.GET.get("fact", "")}

    def sentences(self) -> Sequence[str]:
        return [self.request.POST.get("fact") or self.request.GET.get("fact", ""), "It stays in the timeline."]

    def perform(self, values: dict[str, Any]) -> str:
        telling.unpin(self.row.pk, values["fact"], **self.who())
        return "It is not pinned any more."


class MarkDone(RowCommand):
    """Of the action of the address."""

    name, label, icon = "done", "Done", "check"
    permission_required = OPERATE

    @cached_property
    def action(self) -> Action:
        found = Action.objects.filter(pk=self.kwargs["pk"]).select_related("incident__environment").first()
        if found is None:
            raise NotFound(f"There is no action {self.kwargs['pk']}.")
        return found

    @property
    def row(self) -> Incident:
        return self.action.incident

    @property
    def needs_reason(self) -> bool:  # type: ignore[override]
        return bool(self.action.does)

    @property
    def reason_label(self) -> str:  # type: ignore[override]
        return "What was done, and where it can be seen"

    def subject(self) -> tuple[str, int | None]:
        return f"incident:{self.row.pk}", None

    def sentences(self) -> Sequence[str]:
        by_itself = (
            ["It is ticked by itself when it happens here; by hand it needs a note."] if self.action.does else []
        )
        return [self.action.text, *by_itself]

    def back(self) -> str:
        return reverse("admin:incidents_incident_change", args=[self.action.incident_id])

    def perform(self, values: dict[str, Any]) -> str:
        acting.mark_done(self.action.pk, note=values["reason"], **self.who())
        return "Done."


SAYING: tuple[type[IncidentCommand], ...] = (Update, Note, Unpin)
