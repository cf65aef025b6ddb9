"""The bell: what this person was told."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.views import View
from unfold.views import UnfoldModelAdminViewMixin

from communications.models import Notification
from communications.selectors import notifications as shown
from communications.services import notifications
from core.admin.read_only import ReadOnlyAdmin, Screen

LIST = "admin:communications_notification_changelist"
MOST = 50
VIEW = "communications.view_notification"


class BellScreen(Screen):
    permission_required = VIEW
    template_name = "communications/bell_page.html"
    live_template = "communications/bell_live.html"
    title = "Notifications"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        name, now = self.request.user.get_username(), timezone.now()
        rows = list(shown.of_person(name, now=now)[:MOST])
        return super().get_context_data(rows=rows, unread=shown.unread(name, now=now), now=now, **kwargs)


class Bell(Screen):
    """The icon in the head of every page, with how many are new."""

    permission_required = VIEW
    template_name = "communications/bell.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        unread = shown.unread(self.request.user.get_username(), now=timezone.now())
        return {"unread": unread, "request": self.request}


class ReadAll(UnfoldModelAdminViewMixin, View):
    """Everything that the person was shown is read; only POST."""

    permission_required = VIEW
    title = ""

    def post(self, request: HttpRequest) -> HttpResponse:
        ids = [int(text) for text in request.POST.getlist("id") if text.isdecimal() and len(text) < 19]
        notifications.read(ids, reader=request.user.get_username(), now=timezone.now())
        return HttpResponseRedirect(reverse(LIST))


@admin.register(Notification)
class NotificationAdmin(ReadOnlyAdmin):
    heading = "Notifications"

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        return BellScreen.as_view(model_admin=self)(request)

    def get_urls(self) -> list[URLPattern]:
        pages: tuple[tuple[str, str, Any], ...] = (
            ("bell/", "communications_bell", Bell),
            ("read/", "communications_read", ReadAll),
        )
        own = [
            path(where, self.admin_site.admin_view(view.as_view(model_admin=self)), name=name)
            for where, name, view in pages
        ]
        return [*own, *super().get_urls()]
