"""Making and editing a segment: its conditions as rows of a form."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from unfold.views import UnfoldModelAdminViewMixin
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from core import environments
from core.admin.confirm import ReasonForm
from core.admin.read_only import person
from core.admin.refusals import RefusalsView
from core.errors import DomainError, Invalid
from flags.admin.targeting import CHOICES
from flags.domain.draft import TYPES, Condition, conditions_of, of_condition_fields, of_conditions, place_of
from flags.domain.draft_edit import edit_conditions
from flags.models import Segment
from flags.services.segments import MAX_DESCRIPTION, MAX_NAME, define, users


def find(pk: int) -> Segment:
    """The segment, with its environment."""
    found = Segment.objects.select_related("environment").filter(pk=pk).first()
    if found is None:
        raise Http404("There is no such segment.")
    return found


class SegmentForm(ReasonForm):
    name = forms.CharField(label="Name", max_length=MAX_NAME, widget=UnfoldAdminTextInputWidget)
    description = forms.CharField(
        label="Description",
        required=False,
        max_length=MAX_DESCRIPTION,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
    )
    field_order: Any = ("key", "environment", "name", "description", "reason")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].widget.attrs.pop("autofocus", None)
        self.fields["reason"].required = False  # the service asks for it where the environment is protected


class NewSegmentForm(SegmentForm):
    key = forms.CharField(
        label="Key",
        max_length=60,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text="Rules name it by this; it never changes. Letters, digits, hyphens and underscores.",
    )
    environment = forms.ChoiceField(label="Environment", widget=UnfoldAdminSelectWidget)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["environment"].choices = [(row.key, row.name) for row in environments.ordered()]  # type: ignore[attr-defined]


class SegmentEditor(UnfoldModelAdminViewMixin, RefusalsView, ABC):
    """Conditions as rows. Buttons that add and remove them save nothing."""

    permission_required = "flags.operate_flagstate"
    template_name = "flags/segment_edit.html"
    draft: list[Condition]

    def get_template_names(self) -> list[str]:
        return ["flags/segment_form.html"] if self.in_dialog else [self.template_name]

    def stored(self) -> list[Condition]:
        """What the form begins with."""
        return of_conditions(self.segment.conditions) if self.segment else [Condition(path="conditions[0]")]

    @property
    def segment(self) -> Segment | None:
        """The segment that is edited; None for a new one."""
        return find(self.kwargs["pk"]) if "pk" in self.kwargs else None

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        self.draft = self.stored()
        return super().get(request, *args, **kwargs)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        self.draft = of_condition_fields(request.POST.dict())
        if request.POST.get("do"):
            focus = edit_conditions(self.draft, request.POST["do"])
            form = self.get_form()
            form.errors.clear()  # nothing is sent yet
            return self.render_to_response(self.get_context_data(form=form, focus=focus))
        return super().post(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        segment = self.segment
        kwargs = {"draft": self.draft, "operators": CHOICES, "types": TYPES.items(), "segment": segment, **kwargs}
        used = users(segment) if segment else []
        crumbs = [("Segments", reverse("admin:flags_segment_changelist"))]
        return super().get_context_data(used=used, crumbs=crumbs, back=self.back(), **kwargs)

    def back(self) -> str:
        if self.segment:
            return reverse("admin:flags_segment_change", args=[self.segment.pk])
        return reverse("admin:flags_segment_changelist")

    def form_valid(self, form: forms.Form) -> HttpResponse:
        found, wrong = conditions_of(self.draft)
        if wrong:
            return self.render_to_response(self.get_context_data(form=form, wrong=wrong))
        return self.attempt(form, lambda: self._define(form.cleaned_data, found), self._said)

    def refused(self, form: forms.Form, error: DomainError) -> HttpResponse:
        if isinstance(error, Invalid) and error.field == "conditions":
            wrong = dict([place_of(str(error))])
            return self.render_to_response(self.get_context_data(form=form, wrong=wrong))
        return super().refused(form, error)

    def _define(self, values: dict[str, Any], conditions: list[dict[str, Any]]) -> Segment:
        key, where = self.names(values)
        return define(
            key,
            where,
            name=values["name"],
            description=values["description"],
            conditions=conditions,
            actor=person(self.request),
            reason=values["reason"],
            now=timezone.now(),
            version=values["version"],
        )

    @abstractmethod
    def names(self, values: dict[str, Any]) -> tuple[str, str]:
        """Key and environment of the segment."""

    def _said(self, segment: Segment) -> HttpResponse:
        messages.success(self.request, f"Segment {segment.key} in {segment.environment.name} is saved.")
        return self.leave(reverse("admin:flags_segment_change", args=[segment.pk]))


class NewSegment(SegmentEditor):
    form_class = NewSegmentForm
    title = "New segment"

    def get_initial(self) -> dict[str, Any]:
        return {"version": 0, "environment": self.request.GET.get("environment", "")}

    def version(self) -> int:
        return 0

    def names(self, values: dict[str, Any]) -> tuple[str, str]:
        return values["key"], values["environment"]

    def asked_title(self) -> str:
        return f"Segment {self.request.POST.get('key', '')}"


class EditSegment(SegmentEditor):
    form_class = SegmentForm

    @property
    def title(self) -> str:
        return f"Edit {self.found.name}"

    @property
    def found(self) -> Segment:
        return find(self.kwargs["pk"])

    def get_initial(self) -> dict[str, Any]:
        segment = self.found
        seen = {"version": segment.version, "seen": self.last_event()}
        return {"name": segment.name, "description": segment.description, **seen}

    def version(self) -> int:
        return self.found.version

    def subject(self) -> tuple[str, int | None]:
        return f"segment:{self.found.key}", self.found.environment_id

    def names(self, values: dict[str, Any]) -> tuple[str, str]:
        return self.found.key, self.found.environment.key

    def asked_title(self) -> str:
        return f"Segment {self.found.key}"
