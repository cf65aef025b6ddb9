"""Rows that nobody edits by hand: they are read here and changed by services."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.mixins import PermissionRequiredMixin
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.generic import TemplateView
from unfold.admin import ModelAdmin
from unfold.views import UnfoldModelAdminViewMixin

from core.actors import Actor, ActorKind
from core.texts import is_storable


def person(request: HttpRequest) -> Actor:
    """The signed-in person as the one who acts."""
    return Actor(request.user.get_username(), ActorKind.PERSON)


class ReadOnlyAdmin(ModelAdmin):
    """A list and a page for each row; no row is added, changed or deleted here, whoever asks.

    `heading` is the title of the list. `page` shows one row, in place of Django's form.
    """

    heading = ""
    page: type[Screen] | None = None
    list_per_page = 25
    actions = None
    list_disable_select_all = True

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """What no database could look for is not asked for."""
        asked = request.GET.copy()
        for name, values in request.GET.lists():
            if not all(map(is_storable, values)):
                del asked[name]
        request.GET = asked  # type: ignore[assignment]
        shown: HttpResponse = super().changelist_view(request, extra_context)
        return shown

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        if self.page is None:
            form: HttpResponse = super().change_view(request, object_id, *args, **kwargs)
            return form
        if not is_number(object_id):
            raise Http404
        return self.page.as_view(model_admin=self)(request, pk=int(object_id))

    def list_url(self) -> str:
        return reverse(f"{self.admin_site.name}:{self.opts.app_label}_{self.opts.model_name}_changelist")


def is_number(text: str) -> bool:
    """Whether this can be the number of a row; of more than 4,300 digits Python makes no number at all."""
    return text.isdecimal() and len(text) < 20


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
        admin = self.model_admin
        heading = getattr(admin, "heading", "")
        crumbs = [(heading, admin.list_url())] if heading and heading != self.title else []
        kwargs = {"now": timezone.now(), "live_template": self.live_template, "crumbs": crumbs, **kwargs}
        return super().get_context_data(**kwargs)

    def handle_no_permission(self) -> HttpResponse:
        if not self.request.user.is_authenticated:
            return redirect("admin:login")
        return PermissionRequiredMixin.handle_no_permission(self)
