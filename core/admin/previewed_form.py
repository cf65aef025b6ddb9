"""A form beside which stands what it would do, renewed while it is filled in."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Protocol, cast

from django import forms
from django.db.models import Model
from django.http import HttpResponse, QueryDict
from django.views.generic import FormView
from unfold.views import UnfoldModelAdminViewMixin

from core.errors import DomainError, StaleVersion


class Refusing(Protocol):
    """A form that can show a service's refusal at the field it is about."""

    data: Any

    def refuse(self, error: Exception) -> None: ...


class PreviewedForm(ABC, UnfoldModelAdminViewMixin, FormView[Any]):
    """GET shows the form, by htmx only `preview_template`. POST calls `perform` and leads to the row's page.

    The form refuses as `Refusing` says. After a change by someone else the next try is about what is there now.
    """

    template_name = "core/previewed_form.html"
    preview_template: str
    submit: str

    def get_template_names(self) -> list[str]:
        return [self.preview_template] if self.request.headers.get("HX-Request") else super().get_template_names()

    def get_form_kwargs(self) -> dict[str, Any]:
        return super().get_form_kwargs() | self.form_options()

    def form_options(self) -> dict[str, Any]:
        """What the form takes beside its data."""
        return {}

    @abstractmethod
    def perform(self, form: Any) -> Model:
        """Call the service."""

    @abstractmethod
    def done(self, row: Any) -> tuple[str, str]:
        """What to say then, and where to go."""

    def form_valid(self, form: forms.Form) -> HttpResponse:
        refusing = cast(Refusing, form)
        try:
            row = self.perform(form)
        except DomainError as error:
            refusing.refuse(error)
            if isinstance(error, StaleVersion):
                data = cast(QueryDict, form.data).copy()
                data["version"] = str(error.actual)
                refusing.data = data
            return self.form_invalid(form)
        said, page = self.done(row)
        self.model_admin.message_user(self.request, said)
        return HttpResponse(status=302, headers={"Location": page})

    def form_invalid(self, form: forms.Form) -> HttpResponse:
        response = super().form_invalid(form)
        response.status_code = 422
        return response
