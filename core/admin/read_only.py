"""Rows that nobody edits by hand: they are read here and changed by services."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.mixins import PermissionRequiredMixin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.generic import TemplateView
from unfold.admin import ModelAdmin
from unfold.views import UnfoldModelAdminViewMixin

from core.actors import Actor, ActorKind


def person(request: HttpRequest) -> Actor:
    """The signed-in person as the one who acts."""
    return Actor(request.user.get_username(), ActorKind.PERSON)


class ReadOnlyAdmin(ModelAdmin):
    """A list and a page for each row; no row is added, changed or deleted here, whoever asks."""

    list_per_page = 25
    actions = None
    list_disable_select_all = True

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class Screen(UnfoldModelAdminViewMixin, TemplateView):
    """A page of an admin that is not a Django form. Needs `permission_required`; anyone else gets a 403.

    A request by htmx gets `live_template` alone: the part of the page that renews itself.
    """

    title = ""
    live_template = ""

    def get_template_names(self) -> list[str]:
        if self.live_template and self.request.headers.get("HX-Request"):
            return [self.live_template]
        return super().get_template_names()

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(now=timezone.now(), live_template=self.live_template, **kwargs)

    def handle_no_permission(self) -> HttpResponse:
        if not self.request.user.is_authenticated:
            return redirect("admin:login")
        return PermissionRequiredMixin.handle_no_permission(self)
