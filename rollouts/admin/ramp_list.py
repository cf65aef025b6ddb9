"""The list of the ramps, and the addresses of everything one can do with them."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import URLPattern, path
from django.utils import timezone
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter
from unfold.decorators import display

from core.admin.read_only import ReadOnlyAdmin
from rollouts import selectors
from rollouts.admin.ramp_page import RampScreen
from rollouts.admin.starting import StartView
from rollouts.admin.steering import COMMANDS
from rollouts.models import Ramp


@admin.register(Ramp)
class RampAdmin(ReadOnlyAdmin):
    """Ramps are started and steered by commands; nobody edits their rows."""

    heading = "Ramps"
    change_list_template = "rollouts/ramps.html"
    list_display = ["title", "where", "status", "stands", "waits", "started"]
    list_filter = [
        ("state", ChoicesDropdownFilter),
        ("environment", RelatedDropdownFilter),
        ("flag", RelatedDropdownFilter),
    ]
    list_filter_submit = True
    search_fields = ["name", "flag__key", "started_by"]
    show_add_link = False

    class Media:
        css = {"all": ["rollouts/rollouts.css"]}

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("rollouts.operate_ramp"))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Ramp]:
        return selectors.ramps()

    @display(description="Ramp", ordering="name")
    def title(self, row: Ramp) -> str:
        return _cell("title", row)

    @display(description="Environment", ordering="environment__position")
    def where(self, row: Ramp) -> str:
        return _cell("where", row)

    @display(description="State", ordering="state")
    def status(self, row: Ramp) -> str:
        return _cell("state", row)

    @display(description="Reached")
    def stands(self, row: Ramp) -> str:
        return _cell("stands", row)

    @display(description="Next, and what it waits for")
    def waits(self, row: Ramp) -> str:
        return _cell("waits", row)

    @display(description="Started", ordering="id")
    def started(self, row: Ramp) -> str:
        return _cell("started", row)

    def get_urls(self) -> list[URLPattern]:
        """One address for each command, before Django's own, which take any path for a row."""
        commands = [
            path(
                f"<path:object_id>/{view.name}/",
                self.admin_site.admin_view(view.as_view(model_admin=self)),
                name=f"rollouts_ramp_{view.name}",
            )
            for view in COMMANDS
        ]
        return [*commands, *super().get_urls()]

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        return cast(HttpResponse, StartView.as_view(model_admin=self)(request))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        return RampScreen.as_view(model_admin=self)(request, object_id=object_id)


def _cell(name: str, row: Ramp) -> str:
    return render_to_string(
        "rollouts/ramp_cell.html", {"cell": name, "ramp": row, "view": selectors.seen(row), "now": timezone.now()}
    )
