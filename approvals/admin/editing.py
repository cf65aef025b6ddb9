"""Change what a request asks for, and when it is applied. Both void the approvals."""

from __future__ import annotations

import json
import zoneinfo
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, cast

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from approvals import selectors
from approvals.admin.command import RequestCommand
from approvals.domain import approving, schedule
from approvals.models import ChangeRequest
from approvals.services import requests
from core.admin.confirm import ReasonForm
from core.asking import Change
from core.errors import DomainError
from flags.admin.fields import read_json
from flags.domain.change import read_npubs

LOCAL = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S"]
LISTS = ("add", "remove")


class JsonField(forms.CharField):
    """A JSON object in a text area."""

    def __init__(self, **kwargs: Any) -> None:
        widget = UnfoldAdminTextareaWidget(attrs={"rows": 6, "spellcheck": "false", "class": "ops-code-area"})
        super().__init__(widget=widget, **kwargs)

    def prepare_value(self, value: Any) -> Any:
        return value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)

    def clean(self, value: Any) -> Any:
        found = read_json(super().clean(value))
        if not isinstance(found, dict):
            raise forms.ValidationError("Write a JSON object: { … }.")
        return found


class NpubsField(forms.CharField):
    """One npub a line."""

    def __init__(self, **kwargs: Any) -> None:
        widget = UnfoldAdminTextareaWidget(attrs={"rows": 4, "spellcheck": "false", "class": "ops-code-area"})
        super().__init__(widget=widget, required=False, **kwargs)

    def prepare_value(self, value: Any) -> Any:
        return value if isinstance(value, str) or value is None else "\n".join(value)

    def clean(self, value: Any) -> Any:
        try:
            return list(read_npubs(super().clean(value)).npubs)
        except DomainError as error:
            raise forms.ValidationError(str(error)) from error


def fields_of(change: Change) -> dict[str, forms.Field]:
    """The form fields of one change, by the name of the argument; `payload` where the whole is one field."""
    if change.kind == "flag.state":
        return {name: _state_field(name, change.flag) for name in change.payload}
    if set(change.payload) <= set(LISTS):
        words = {"add": "npubs to add to", "remove": "npubs to remove from"}
        noun = change.kind.partition(".")[2].replace("_", "-")
        return {name: NpubsField(label=f"{change.flag}: {words[name]} the {noun}") for name in LISTS}
    return {"payload": JsonField(label=f"{change.flag or change.kind}: {change.kind}")}


def _state_field(name: str, flag: str) -> forms.Field:
    if name == "enabled":
        return forms.TypedChoiceField(
            label=f"{flag}: on or off",
            choices=[("True", "On"), ("False", "Off")],
            coerce=lambda text: text == "True",
            widget=UnfoldAdminSelectWidget,
        )
    if name == "percentage":
        return forms.CharField(
            label=f"{flag}: percentage",
            max_length=20,
            widget=UnfoldAdminTextInputWidget(attrs={"inputmode": "decimal", "autocomplete": "off"}),
        )
    return JsonField(label=f"{flag}: parameters" + (" to set" if name == "patch" else ""))


class EditForm(ReasonForm):
    """Title, reason and the values of each change; one of several changes can be left out."""

    title = forms.CharField(label="Title", max_length=200, widget=UnfoldAdminTextInputWidget)
    field_order = ("title", "reason")

    def __init__(self, *args: Any, changes: Sequence[Change], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.changes = changes
        for index, change in enumerate(changes):
            for name, field in fields_of(change).items():
                field.initial = change.payload if name == "payload" else change.payload.get(name)
                self.fields[f"change{index}_{name}"] = field
            if len(changes) > 1:
                self.fields[f"change{index}_without"] = forms.BooleanField(
                    label=f"Leave this change of {change.flag or change.kind} out", required=False
                )

    def asked(self) -> list[Change]:
        """The changes as they are filled in."""
        return list(self._asked())

    def _asked(self) -> Iterator[Change]:
        for index, change in enumerate(self.changes):
            values = {name: self.cleaned_data[f"change{index}_{name}"] for name in fields_of(change)}
            if not self.cleaned_data.get(f"change{index}_without"):
                yield Change(change.kind, change.flag, values.get("payload", values))


class _Voiding(RequestCommand):
    def voids(self) -> str:
        """What becomes of the approvals there are."""
        row = self.row
        people = approving.counting(row.approvals.all(), digest=row.digest, contributors=row.contributors)
        lost = f"The approval of {' and '.join(people)} is void then." if people else "Approvals start anew."
        return f"{lost} You cannot approve it afterwards: whoever changes a request stands behind it."


class Edit(_Voiding):
    name, label, icon, tone = "edit", "Edit", "edit", ""
    form_class = EditForm
    reason_label = "Reason for the changes"
    reason_help = "Whoever approves reads it."

    def sentences(self) -> Sequence[str]:
        return [self.voids()]

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "changes": selectors.changes_of(self.row)}

    def get_initial(self) -> dict[str, Any]:
        return {**super().get_initial(), "title": self.row.title, "reason": self.row.reason}

    def form_valid(self, form: forms.Form) -> HttpResponse:
        self.asked = cast(EditForm, form).asked()
        return super().form_valid(form)

    def perform(self, values: dict[str, Any]) -> str:
        same = [change.to_dict() for change in self.asked] == self.row.changes
        requests.edit(
            self.row.pk,
            changes=None if same else self.asked,
            title=values["title"],
            reason=values["reason"],
            version=values["version"],
            **self.who(),
        )
        return "The request asks for this now. It waits for approval."


class RescheduleForm(ReasonForm):
    """`apply_at` is local time in `zone`; empty: a person applies it."""

    apply_at = forms.DateTimeField(
        label="Apply at",
        required=False,
        input_formats=LOCAL,
        widget=UnfoldAdminTextInputWidget(attrs={"type": "datetime-local"}),
        help_text="Local time in this zone. Leave it empty to apply it by hand.",
    )
    zone = forms.ChoiceField(label="Zone", widget=UnfoldAdminSelectWidget)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = sorted(zoneinfo.available_timezones() - {"UTC", "localtime"})
        self.fields["zone"].choices = [("UTC", "UTC"), *((name, name) for name in names)]  # type: ignore[attr-defined]

    def clean_apply_at(self) -> datetime | None:
        """The zone is a field of its own, so the time has none."""
        found: datetime | None = self.cleaned_data["apply_at"]
        return None if found is None else found.replace(tzinfo=None)


class Reschedule(_Voiding):
    name, label, icon, tone = "reschedule", "Schedule", "event", ""
    form_class = RescheduleForm
    takes_reason = False

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """The sentences alone while somebody chooses."""
        if request.headers.get("HX-Trigger-Name") in ("apply_at", "zone"):
            return render(request, "ops/effect.html", {"effect": self.effect()})
        return super().get(request, *args, **kwargs)

    def get_form(self, form_class: Any = None) -> forms.Form:
        form = super().get_form(form_class)
        live = {
            "hx-get": self.request.path,
            "hx-trigger": "change",
            "hx-target": "#ops-effect",
            "hx-swap": "outerHTML",
            "hx-include": "[name=apply_at], [name=zone]",
        }
        for name in ("apply_at", "zone"):
            form.fields[name].widget.attrs |= live
        return form

    def get_initial(self) -> dict[str, Any]:
        row = self.row
        zone = row.zone or "UTC"
        local = row.apply_at.astimezone(zoneinfo.ZoneInfo(zone)) if row.apply_at else None
        shown = local.strftime("%Y-%m-%dT%H:%M") if local else ""
        return {**super().get_initial(), "apply_at": shown, "zone": zone}

    def sentences(self) -> Sequence[str]:
        return [_when(self.row, self.request.GET or self.request.POST), self.voids()]

    def perform(self, values: dict[str, Any]) -> str:
        done = requests.reschedule(
            self.row.pk, apply_at=values["apply_at"], zone=values["zone"], version=values["version"], **self.who()
        )
        when = schedule.told(done.apply_at, done.zone) if done.apply_at else ""
        return f"The clock applies it {when}, once it is approved." if when else "A person applies it."


def _when(row: ChangeRequest, given: Mapping[str, str]) -> str:
    """When it is applied, as the form stands now."""
    if "apply_at" not in given:
        return f"Applied {schedule.told(row.apply_at, row.zone)}." if row.apply_at else "A person applies it."
    try:
        local = datetime.fromisoformat(given["apply_at"]) if given["apply_at"] else None
    except ValueError:
        return "That is no date and time."
    if local is None:
        return "A person applies it, once it is approved."
    try:
        moment = schedule.resolve(local.replace(tzinfo=None), given.get("zone", ""), now=timezone.now())
    except DomainError as error:
        return str(error)
    return f"Applied {moment.told}, once it is approved."
