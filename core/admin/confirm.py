"""A change that a person confirms: the page names the effect, asks why, and calls one service."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Div, Layout
from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.views.generic import FormView
from unfold.views import UnfoldModelAdminViewMixin
from unfold.widgets import UnfoldAdminTextareaWidget

from core.errors import DomainError, NotFound, StaleVersion
from core.models import Environment


@dataclass(frozen=True, slots=True)
class Effect:
    """What the page says before it asks. `sentences` name what will happen, `submit` is the button.

    `environment` is named and coloured above them; `dangerous` makes the button red.
    """

    title: str
    sentences: Sequence[str]
    submit: str
    dangerous: bool = False
    environment: Environment | None = None


class ReasonForm(forms.Form):
    """Why, and which version of the row the person saw."""

    reason = forms.CharField(
        label="Reason",
        max_length=2000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3, "autofocus": True}),
        help_text="Kept in the history with your name.",
        error_messages={"required": "Say why: the history tells who did it and for what reason."},
    )
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    @property
    def helper(self) -> FormHelper:
        helper = FormHelper()
        helper.form_tag = False
        helper.layout = Layout(Div(*self.fields, css_class="flex flex-col gap-5"))
        return helper


class ConfirmView(UnfoldModelAdminViewMixin, FormView[forms.Form]):
    """GET shows the effect, POST does it. Opened by htmx it is a dialog, otherwise a page of its own.

    A refusal of the service is shown in the form and changes nothing. After a stale version the form
    shows the new state and its version, so that the next click is about what the person now sees.
    """

    form_class = ReasonForm
    title = ""

    def effect(self) -> Effect:
        """What will happen, from the row as it is now."""
        raise NotImplementedError

    def version(self) -> int | None:
        """The version of the row that `effect` describes; None when the row has none."""
        return None

    def reason_required(self) -> bool:
        """Whether the person must say why."""
        return True

    def perform(self, values: dict[str, Any]) -> str:
        """Call the service; the sentence that says what was done."""
        raise NotImplementedError

    def back(self) -> str:
        """Where the person goes afterwards."""
        raise NotImplementedError

    @property
    def in_dialog(self) -> bool:
        return bool(self.request.headers.get("HX-Request"))

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
        return {"version": self.version()}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        effect = self.effect()
        self.title = effect.title
        crumbs = [(getattr(self.model_admin, "heading", "") or "Back", self.back())]
        return super().get_context_data(effect=effect, back=self.back(), crumbs=crumbs, now=timezone.now(), **kwargs)

    def form_valid(self, form: forms.Form) -> HttpResponse:
        values = dict(form.cleaned_data)
        try:
            done = self.perform(values)
        except DomainError as error:
            return self.refused(form, error)
        messages.success(self.request, done)
        return self._leave()

    def refused(self, form: forms.Form, error: DomainError) -> HttpResponse:
        """The form again, with the reason of the refusal; status as the error has it, 200 in a dialog."""
        field = getattr(error, "field", None)
        form.add_error(field if field in form.fields else None, str(error))
        if isinstance(error, StaleVersion):
            data = cast(QueryDict, form.data).copy()
            data[form.add_prefix("version")] = str(self.version())
            form.data = data
        response = self.form_invalid(form)
        response.status_code = 200 if self.in_dialog else error.status
        return response

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            return super().dispatch(request, *args, **kwargs)
        except NotFound as error:
            raise Http404(str(error)) from error

    def _leave(self) -> HttpResponse:
        if self.in_dialog:  # htmx would put the page it is redirected to into the dialog
            return HttpResponse(headers={"HX-Redirect": self.back()})
        return HttpResponseRedirect(self.back())
