"""What a flag is, the same in every environment: made, changed, and drawn anew."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from unfold.views import UnfoldModelAdminViewMixin
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from core.admin.confirm import ReasonForm
from core.admin.read_only import person
from core.admin.refusals import RefusalsView
from flags.admin.fields import JsonField, VariantsField
from flags.admin.flag_page import BUCKETINGS, find, list_crumbs
from flags.domain.bucketing import Bucketing
from flags.domain.definition import MAX_GROUP, MAX_NAME, DefinitionChange
from flags.domain.values import ValueType
from flags.models import Flag, FlagState
from flags.selectors.listing import of_flags
from flags.services import definition

TYPES = [(kind.value, kind.value) for kind in ValueType]
BUCKETING = [(kind.value, words) for kind, words in BUCKETINGS.items()]
GROUP_HELP = "murmur3 flags of one group share their buckets: whoever has one has the other, at the same percentage."


class DefinitionForm(ReasonForm):
    name = forms.CharField(label="Name", max_length=MAX_NAME, widget=UnfoldAdminTextInputWidget)
    description = forms.CharField(
        label="Description", required=False, max_length=2000, widget=UnfoldAdminTextareaWidget(attrs={"rows": 2})
    )
    value_type = forms.ChoiceField(
        label="It answers",
        choices=TYPES,
        initial=ValueType.BOOLEAN.value,
        widget=UnfoldAdminSelectWidget,
        help_text="Changes only while the flag is off in every environment.",
    )
    variants = VariantsField(
        label="Variants",
        required=False,
        help_text="Values by their name. A boolean flag has on and off without them. The first one is what those get "
        "who have the feature, the last one what the others get, where targeting says nothing else.",
    )
    value_schema = JsonField(
        label="JSON Schema of the values",
        help_text='Optional, for example {"type": "string", "maxLength": 20}. Without $ref, pattern and format.',
    )
    parameter_schema = JsonField(
        label="JSON Schema of the parameters",
        help_text='Optional. For example {"properties": {"severityThreshold": {"enum": ["HIGH", "MEDIUM", "LOW"]}}}.',
    )
    field_order: Sequence[str] = (
        *("key", "name", "description", "value_type", "variants"),
        *("bucketing", "group", "value_schema", "parameter_schema", "reason"),
    )

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or self.cleaned_data
        if "variants" in values and "value_type" in values:
            try:
                values["variants"] = VariantsField.read(values["variants"], ValueType(values["value_type"]))
            except forms.ValidationError as error:
                self.add_error("variants", error)
        return values


def wanted(form: forms.Form) -> DefinitionChange:
    """What the form, which is valid, says of the definition."""
    fields = [name for name in DefinitionChange.__slots__ if name in form.fields]
    return DefinitionChange(**{name: form.cleaned_data[name] for name in fields})


class CreateForm(DefinitionForm):
    key = forms.CharField(
        label="Key",
        max_length=100,
        widget=UnfoldAdminTextInputWidget(attrs={"autofocus": True, "autocomplete": "off", "spellcheck": "false"}),
        help_text="What programs ask for; it never changes. Letters, digits, dots, underscores and hyphens.",
    )
    bucketing = forms.ChoiceField(
        label="Bucketing",
        choices=list(reversed(BUCKETING)),
        initial=Bucketing.MURMUR3.value,
        widget=UnfoldAdminSelectWidget,
        help_text="Decides which npubs come first.",
    )
    group = forms.CharField(
        label="Group",
        required=False,
        max_length=MAX_GROUP,
        widget=UnfoldAdminTextInputWidget,
        help_text=GROUP_HELP,
    )


class CreateFlag(UnfoldModelAdminViewMixin, RefusalsView):
    """A new flag: off in every environment, so no rule asks for approval."""

    permission_required = "flags.operate_flagstate"
    form_class = CreateForm
    template_name = "flags/definition.html"
    title = "New flag"

    def get_form(self, form_class: Any = None) -> forms.Form:
        form = super().get_form(form_class)
        form.fields["reason"].required = False
        form.fields["reason"].widget.attrs.pop("autofocus", None)
        return form

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        back = reverse("admin:flags_flagstate_changelist")
        return super().get_context_data(back=back, crumbs=[("Flags", back)], submit="Create the flag", **kwargs)

    def form_valid(self, form: forms.Form) -> HttpResponse:
        values = form.cleaned_data
        return self.attempt(
            form,
            lambda: definition.create(
                values["key"],
                wanted(form),
                actor=person(self.request),
                reason=values["reason"],
                now=timezone.now(),
            ),
            self._said,
        )

    def _said(self, flag: Flag) -> HttpResponse:
        messages.success(self.request, f"{flag.key} is there, off in every environment.")
        return self.leave(reverse("admin:flags_flagstate_change", args=[_last_state(flag).pk]))


class OfFlag(RefusalsView):
    """A form about the flag itself, reached from its state in one environment."""

    @property
    def state(self) -> FlagState:
        return find(self.kwargs["pk"])

    def version(self) -> int:
        return self.state.flag.version

    def subject(self) -> tuple[str, int | None]:
        return f"flag:{self.state.flag.key}", None

    def change(self, wanted: DefinitionChange, values: dict[str, Any]) -> Flag:
        return definition.change(
            self.state.flag.key,
            wanted,
            actor=person(self.request),
            reason=values["reason"],
            now=timezone.now(),
            version=values["version"],
        )


class EditDefinition(UnfoldModelAdminViewMixin, OfFlag):
    permission_required = "flags.operate_flagstate"
    form_class = DefinitionForm
    template_name = "flags/definition.html"

    @property
    def title(self) -> str:
        return f"Edit {self.state.flag.key}"

    def asked_title(self) -> str:
        return f"Definition of {self.state.flag.key}"

    def get_form(self, form_class: Any = None) -> forms.Form:
        form = super().get_form(form_class)
        form.fields["reason"].widget.attrs.pop("autofocus", None)
        return form

    def get_initial(self) -> dict[str, Any]:
        seen = {"version": self.version(), "seen": self.last_event()}
        return {**definition.as_dict(self.state.flag), **seen}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        state = self.state
        back = reverse("admin:flags_flagstate_change", args=[state.pk])
        affected = [row for row in of_flags([state.flag_id])[state.flag_id] if row.enabled]
        return super().get_context_data(
            back=back,
            crumbs=list_crumbs(state),
            submit="Save in every environment",
            affected=affected,
            **kwargs,
        )

    def form_valid(self, form: forms.Form) -> HttpResponse:
        return self.attempt(form, lambda: self.change(wanted(form), form.cleaned_data), self._said)

    def _said(self, flag: Flag) -> HttpResponse:
        messages.success(self.request, f"{flag.key} is defined anew, version {flag.version}.")
        return self.leave(reverse("admin:flags_flagstate_change", args=[self.kwargs["pk"]]))


def _last_state(flag: Flag) -> FlagState:
    """In the last environment of the order of promotion, which is what most people look at."""
    return of_flags([flag.pk])[flag.pk][-1]
