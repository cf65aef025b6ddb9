"""What the public was told of incidents. It is published by the communications: here it is only read."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from core import beside
from core.admin.read_only import ReadOnlyAdmin, Screen
from core.errors import NotFound
from core.templatetags.screen import badge
from statuspage import selectors
from statuspage.admin import words
from statuspage.domain.states import Impact, IncidentState
from statuspage.models import PublicIncident


class IncidentPage(Screen):
    permission_required = "statuspage.view_publicincident"
    template_name = "statuspage/admin/incident.html"
    live_template = "statuspage/admin/incident_live.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        try:
            row = selectors.incident(self.kwargs["pk"])
        except NotFound as error:
            raise Http404(str(error)) from error
        self.title = row.title
        return super().get_context_data(
            row=row,
            now=timezone.now(),
            look=words.INCIDENT[IncidentState(row.state)],
            impact=words.IMPACT[Impact(row.impact)],
            components=[(each.component, words.component(each.state)) for each in row.components.all()],
            updates=[(each, *words.INCIDENT[IncidentState(each.state)]) for each in row.updates.all()],
            **kwargs,
        )


@admin.register(PublicIncident)
class PublicIncidentAdmin(ReadOnlyAdmin):
    heading = "Public incidents"
    page = IncidentPage
    list_display = ("what", "standing", "hurts", "began", "updates_told")
    list_display_links = None
    list_filter = (("state", ChoicesDropdownFilter), ("impact", ChoicesDropdownFilter))
    list_filter_submit = True
    list_fullwidth = True
    list_before_template = "statuspage/admin/head.html"
    change_list_template = "ops/list.html"
    empty = ("Nothing was published yet", "What is published on the status page, and each of its updates, is here.")
    search_fields = ("reference", "public_id", "titles")
    search_help_text = "Title, reference or id"
    show_full_result_count = False
    ordering = ("-id",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[PublicIncident]:
        return selectors.incidents()

    def get_urls(self) -> list[URLPattern]:
        by_id = path("id/<slug:public_id>/", self.admin_site.admin_view(_by_id), name="statuspage_incident_by_id")
        return [by_id, *super().get_urls()]

    @admin.display(description="Incident")
    def what(self, row: PublicIncident) -> SafeString:
        return words.titled(reverse("admin:statuspage_publicincident_change", args=[row.pk]), row.title, row.reference)

    @admin.display(description="State", ordering="state")
    def standing(self, row: PublicIncident) -> SafeString:
        return words.incident(row.state)

    @admin.display(description="Impact", ordering="impact")
    def hurts(self, row: PublicIncident) -> SafeString:
        return badge(*words.IMPACT[Impact(row.impact)])

    @admin.display(description="Began", ordering="started_at")
    def began(self, row: PublicIncident) -> SafeString:
        return words.when(row.started_at)

    @admin.display(description="Updates")
    def updates_told(self, row: PublicIncident) -> str:
        return str(len(row.updates.all()))


def _by_id(request: HttpRequest, public_id: str) -> HttpResponse:
    """The page of an incident by the id that events and visitors know."""
    row = selectors.incidents().filter(public_id=public_id).first()
    if row is None:
        raise Http404
    return redirect("admin:statuspage_publicincident_change", row.pk)


beside.add_page("public-incident", lambda key, where: reverse("admin:statuspage_incident_by_id", args=[key]))
