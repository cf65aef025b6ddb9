"""The list of the incidents, and where its pages are."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter

from core import moments
from core.admin.read_only import ReadOnlyAdmin
from core.templatetags.screen import NOTHING, badge, environment
from incidents import selectors
from incidents.admin import post_mortem, words
from incidents.admin.choosing import CHOOSING
from incidents.admin.commands import COMMANDS, OPERATE, IncidentCommand
from incidents.admin.declaring import DeclareView
from incidents.admin.incident_page import IncidentPage
from incidents.admin.saying import SAYING, MarkDone
from incidents.models import Incident


@admin.register(Incident)
class IncidentAdmin(ReadOnlyAdmin):
    heading = "Incidents"
    page = IncidentPage
    list_display = ("what", "how_bad", "standing", "where", "who", "next", "since")
    list_display_links = None
    list_filter = (
        ("state", ChoicesDropdownFilter),
        ("level", ChoicesDropdownFilter),
        ("environment", RelatedDropdownFilter),
    )
    list_filter_submit = True
    list_fullwidth = True
    list_before_template = "incidents/list_head.html"
    change_list_template = "incidents/incidents.html"
    search_fields = ("title", "summary", "commander", "acknowledged_by")
    search_help_text = "Title, summary or person"
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Incident]:
        return selectors.for_list()

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        return selectors.ORDER

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        commands: list[type[IncidentCommand]] = [*COMMANDS, *CHOOSING, *SAYING, post_mortem.AddFollowUp]
        views: dict[str, tuple[str, Any]] = {
            "declare": ("declare/", DeclareView),
            "action_done": ("action/<int:pk>/done/", MarkDone),
            "finish": ("action-item/<int:pk>/done/", post_mortem.FinishFollowUp),
            "post_mortem": ("<int:pk>/post-mortem/", post_mortem.PostMortemPage),
            "write": ("<int:pk>/post-mortem/write/", post_mortem.WriteView),
            **{view.name: (f"<int:pk>/{view.name.replace('_', '-')}/", view) for view in commands},
        }
        own = [
            path(where, wrap(view.as_view(model_admin=self)), name=f"incidents_{name}")
            for name, (where, view) in views.items()
        ]
        file = path("<int:pk>/post-mortem/file/", wrap(post_mortem.download), name="incidents_file")
        return [*own, file, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        context = {"may_declare": request.user.has_perm(OPERATE), **(extra_context or {})}
        shown: HttpResponse = super().changelist_view(request, context)
        return shown

    @admin.display(description="Incident")
    def what(self, row: Incident) -> SafeString:
        return format_html(
            '<span><a class="ops-link" href="{}">{}</a><br><span class="ops-soft ops-small">{}</span></span>',
            reverse("admin:incidents_incident_change", args=[row.pk]),
            row.title,
            f"number {row.pk}, by {row.opened_by}",
        )

    @admin.display(description="Level", ordering="level")
    def how_bad(self, row: Incident) -> SafeString:
        return words.level_badge(row.level)

    @admin.display(description="State", ordering="state")
    def standing(self, row: Incident) -> SafeString:
        return words.state_badge(row.state)

    @admin.display(description="Environment", ordering="environment__position")
    def where(self, row: Incident) -> SafeString:
        return environment(row.environment)

    @admin.display(description="Looked after by")
    def who(self, row: Incident) -> SafeString | str:
        if row.owner:
            return row.owner
        return badge("nobody yet", "bad", "person_alert") if row.is_open else NOTHING

    @admin.display(description="Next", ordering="escalate_at")
    def next(self, row: Incident) -> SafeString | str:
        """When it rises unless somebody acknowledges it, else how much of its list is left."""
        if row.escalate_at is not None:
            now = timezone.localtime()
            text = moments.relative(row.escalate_at, now=now) if row.escalate_at > now else "now"
            return format_html(
                '{} <time class="ops-small" datetime="{}" title="{}">{}</time>',
                badge("escalates", "warn", "alarm"),
                row.escalate_at.isoformat(),
                moments.clock(row.escalate_at, now=now),
                text,
            )
        left = len(row.left) if row.is_open else 0  # type: ignore[attr-defined]  # prefetched
        return f"{left} to do" if left else NOTHING

    @admin.display(description="Since", ordering="opened_at")
    def since(self, row: Incident) -> SafeString:
        now = timezone.localtime()
        took = f"took {moments.span(row.resolved_at - row.began_at)}" if row.resolved_at else ""
        return format_html(
            '<span><time class="ops-small" datetime="{}" title="{}">{}</time><br>'
            '<span class="ops-soft ops-small">{}</span></span>',
            row.opened_at.isoformat(),
            moments.clock(row.opened_at, now=now),
            moments.relative(row.opened_at, now=now),
            took,
        )
