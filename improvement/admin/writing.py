"""A form on a page of its own, that ends in one service."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.utils import timezone
from unfold.views import UnfoldModelAdminViewMixin

from core.admin.plain_form import PlainForm
from core.admin.read_only import person
from core.admin.refusals import RefusalsView


class VersionedForm(PlainForm):
    """`version` and `seen` are of the row that is changed, where there is one."""

    version = forms.IntegerField(required=False, widget=forms.HiddenInput)
    seen = forms.IntegerField(required=False, widget=forms.HiddenInput)


class Write(ABC, UnfoldModelAdminViewMixin, RefusalsView):
    """`submit` is the button; `intro` stands above the fields."""

    template_name = "improvement/form.html"
    title = ""
    submit = "Save"
    intro = ""

    @abstractmethod
    def save(self, values: dict[str, Any], who: dict[str, Any]) -> Any:
        """Call the service; what it returns. `who` is the actor and the time."""

    @abstractmethod
    def finish(self, row: Any) -> HttpResponse:
        """What the person gets then: mostly `went`."""

    def back(self) -> str:
        return str(self.model_admin.list_url())

    def start(self) -> dict[str, Any]:
        """What the fields begin with."""
        return {}

    def get_initial(self) -> dict[str, Any]:
        return {**self.start(), "version": self.version(), "seen": self.last_event()}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        crumbs = [(self.model_admin.heading, self.model_admin.list_url())]
        told = {"back": self.back(), "submit": self.submit, "intro": self.intro}
        return super().get_context_data(crumbs=crumbs, **told, **kwargs)

    def form_valid(self, form: forms.Form) -> HttpResponse:
        who = {"actor": person(self.request), "now": timezone.now()}
        return self.attempt(form, lambda: self.save(form.cleaned_data, who), self.finish)

    def went(self, said: str, address: str) -> HttpResponse:
        messages.success(self.request, said)
        return self.leave(address)
