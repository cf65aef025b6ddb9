"""What opens something for whoever holds it, such as a token: made and shown once, listed, revoked."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import add_never_cache_headers
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.generic import FormView
from unfold.views import UnfoldModelAdminViewMixin

from core import moments
from core.admin.read_only import ReadOnlyAdmin, person
from core.errors import DomainError
from core.templatetags.screen import action


class MakeOnce(ABC, UnfoldModelAdminViewMixin, FormView[forms.Form]):
    """The answer to the form is the only page that ever holds what was made; no cache and no history keeps it.

    `shown_template` is that page; `named` are the fields that a refusal may name.
    """

    title = ""
    shown_template: ClassVar[str]
    named: ClassVar[Collection[str]]

    @abstractmethod
    def make(self, values: dict[str, Any], who: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """Call the service; the title of the page, and what its template is told. `who` is the actor and the time."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        crumbs = [(self.model_admin.heading, self.model_admin.list_url())]
        return super().get_context_data(crumbs=crumbs, now=timezone.now(), **kwargs)

    def form_valid(self, form: forms.Form) -> HttpResponse:
        try:
            self.title, shown = self.make(form.cleaned_data, {"actor": person(self.request), "now": timezone.now()})
        except DomainError as error:
            field = getattr(error, "field", "")
            form.add_error(field if field in self.named else None, str(error))
            response = self.form_invalid(form)
            response.status_code = error.status
            return response
        response = render(self.request, self.shown_template, self.get_context_data(**shown))
        add_never_cache_headers(response)
        return response


class RevocableAdmin(ReadOnlyAdmin):
    """A list of rows with name, prefix, who made them and when they were revoked.

    `shown` are its columns; whoever has `may_revoke` also gets the way to `revoke`, the name of an address.
    """

    list_display_links = None
    search_fields = ("name", "prefix")
    search_help_text = "Name or first characters"
    show_full_result_count = False
    shown: ClassVar[tuple[str, ...]]
    may_revoke: ClassVar[str]
    revoke: ClassVar[str]
    revoke_icon: ClassVar[str]

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        return (*self.shown, "commands") if request.user.has_perm(self.may_revoke) else self.shown

    @admin.display(description="Name", ordering="name")
    def title(self, row: Any) -> SafeString:
        return format_html(
            '<span class="ops-strong">{}</span><br><span class="ops-mono ops-soft">{}…</span>', row.name, row.prefix
        )

    @admin.display(description="Made", ordering="created_at")
    def made(self, row: Any) -> SafeString:
        return format_html(
            "{}<br><span class='ops-soft ops-small'>by {}</span>",
            moments.clock(row.created_at, now=timezone.localtime()),
            row.created_by,
        )

    @admin.display(description="Change")
    def commands(self, row: Any) -> SafeString | str:
        if row.revoked_at is not None:
            return "–"
        return action(reverse(self.revoke, args=[row.pk]), "Revoke", self.revoke_icon, "quiet-danger", "small")
