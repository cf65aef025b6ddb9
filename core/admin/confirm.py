"""A change that a person confirms: the page names the effect, asks why, and calls one service."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from unfold.views import UnfoldModelAdminViewMixin
from unfold.widgets import UnfoldAdminTextareaWidget

from core.admin.plain_form import PlainForm
from core.admin.refusals import RefusalsView
from core.errors import NotFound
from core.models import Environment


@dataclass(frozen=True, slots=True)
class Effect:
    """What the page says before it asks. `sentences` name what will happen, `submit` is the button.

    `environment` is named and coloured above them; `dangerous` makes the button red. `detail` is safe HTML below them.
    """

    title: str
    sentences: Sequence[str]
    submit: str
    dangerous: bool = False
    environment: Environment | None = None
    detail: str = ""


class ReasonForm(PlainForm):
    """Why, and what the person saw of the row."""

    reason = forms.CharField(
        label="Reason",
        max_length=2000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3, "autofocus": True}),
        help_text="Kept in the history with your name.",
        error_messages={"required": "Say why: the history tells who did it and for what reason."},
    )
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)
    seen = forms.IntegerField(required=False, widget=forms.HiddenInput)  # the newest event that was there


class ConfirmView(ABC, UnfoldModelAdminViewMixin, RefusalsView):
    """GET shows the effect, POST does it. Opened by htmx it is a dialog, otherwise a page of its own.

    A refusal of the service is shown in the form and changes nothing (RefusalsView).
    """

    form_class: type[ReasonForm] = ReasonForm
    title = ""

    @abstractmethod
    def effect(self) -> Effect:
        """What will happen, from the row as it is now."""

    def reason_required(self) -> bool:
        """Whether the person must say why."""
        return True

    @abstractmethod
    def perform(self, values: dict[str, Any]) -> str:
        """Call the service; the sentence that says what was done."""

    @abstractmethod
    def back(self) -> str:
        """Where the person goes afterwards."""

    def asked_title(self) -> str:
        return self.effect().title

    def get_template_names(self) -> list[str]:
        return ["ops/confirm_dialog.html" if self.in_dialog else "ops/confirm.html"]

    def get_form(self, form_class: Any = None) -> forms.Form:
        form = super().get_form(form_class)
        reason = form.fields["reason"]
        reason.required = self.reason_required()
        if not reason.required:
            reason.label = "Reason (optional)"
        return form

    def get_initial(self) -> dict[str, Any]:
        return {"version": self.version(), "seen": self.last_event()}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        effect = self.effect()
        self.title = effect.title
        crumbs = [(getattr(self.model_admin, "heading", "") or "Back", self.back())]
        return super().get_context_data(effect=effect, back=self.back(), crumbs=crumbs, **kwargs)

    def form_valid(self, form: forms.Form) -> HttpResponse:
        values = dict(form.cleaned_data)
        return self.attempt(form, lambda: self.perform(values), self._said)

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            return super().dispatch(request, *args, **kwargs)
        except NotFound as error:
            raise Http404(str(error)) from error

    def _said(self, done: str) -> HttpResponse:
        messages.success(self.request, done)
        return self.leave(self.back())
