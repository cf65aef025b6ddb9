"""The list of the rollbacks, and where its pages are."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter

from core import moments
from core.admin.read_only import ReadOnlyAdmin
from core.errors import NotFound
from core.templatetags.screen import NOTHING, badge, environment
from rollbacks import selectors
from rollbacks.admin import words
from rollbacks.admin.asking import AskView
from rollbacks.admin.commands import ASK, COMMANDS
from rollbacks.admin.rollback_page import RollbackPage
from rollbacks.domain.states import RollbackState
from rollbacks.models import Rollback


@admin.register(Rollback)
class RollbackAdmin(ReadOnlyAdmin):
    heading = "Rollbacks"
    page = RollbackPage
    list_display = ("what", "where", "standing", "risky", "people", "when")
    list_display_links = None
    list_filter = (("state", ChoicesDropdownFilter), ("environment", RelatedDropdownFilter))
    list_filter_submit = True
    list_fullwidth = True
    list_before_template = "rollbacks/list_head.html"
    change_list_template = "rollbacks/rollbacks.html"
    search_fields = ("public_id", "reason", "requested_by", "flag__key")
    search_help_text = "Id, reason, who asked or flag"
    show_full_result_count = False
    ordering = ("-id",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Rollback]:
        return selectors.rollbacks()

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        commands = [
            path(f"<int:pk>/{view.name}/", wrap(view.as_view(model_admin=self)), name=f"rollbacks_{view.name}")
            for view in COMMANDS
        ]
        ask = path("ask/", wrap(AskView.as_view(model_admin=self)), name="rollbacks_ask")
        by_id = path("id/<slug:public_id>/", wrap(_by_id), name="rollbacks_by_id")
        return [ask, by_id, *commands, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        context = {"may_ask": request.user.has_perm(ASK), **(extra_context or {})}
        shown: HttpResponse = super().changelist_view(request, context)
        return shown

    @admin.display(description="Rollback", ordering="id")
    def what(self, row: Rollback) -> SafeString:
        return format_html(
            '<span><a class="ops-link" href="{}">{}</a><br><span class="ops-soft ops-small">{}</span></span>',
            reverse("admin:rollbacks_rollback_change", args=[row.pk]),
            row.title,
            row.public_id,
        )

    @admin.display(description="Environment", ordering="environment__position")
    def where(self, row: Rollback) -> SafeString:
        return environment(row.environment)

    @admin.display(description="State", ordering="state")
    def standing(self, row: Rollback) -> SafeString:
        shown = badge(*words.LOOK[RollbackState(row.state)])
        return format_html("{} {}", shown, badge("emergency", "bad", "emergency_home")) if row.emergency else shown

    @admin.display(description="Risk", ordering="risk")
    def risky(self, row: Rollback) -> SafeString:
        return badge(row.risk, words.RISK_TONE[row.risk], "speed")

    @admin.display(description="People")
    def people(self, row: Rollback) -> SafeString:
        said = f"confirmed by {row.confirmed_by}" if row.confirmed_by else ""
        return format_html(
            '<span>{}<br><span class="ops-soft ops-small">{}</span></span>', f"asked by {row.requested_by}", said
        )

    @admin.display(description="When", ordering="requested_at")
    def when(self, row: Rollback) -> SafeString | str:
        now = timezone.localtime()
        took = row.closed_at - row.confirmed_at if row.closed_at and row.confirmed_at else None
        return format_html(
            '<span><time class="ops-small" datetime="{}" title="{}">{}</time><br>{}</span>',
            row.requested_at.isoformat(),
            moments.clock(row.requested_at, now=now),
            moments.relative(row.requested_at, now=now),
            NOTHING if took is None else f"took {moments.span(max(took, timedelta()))}",
        )


def _by_id(request: HttpRequest, public_id: str) -> HttpResponse:
    """The page of a rollback by the id that people and events know."""
    if not request.user.has_perm("rollbacks.view_rollback"):
        raise PermissionDenied
    try:
        row = selectors.get(public_id)
    except NotFound as error:
        raise Http404(str(error)) from error
    return redirect("admin:rollbacks_rollback_change", row.pk)
