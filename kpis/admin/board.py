"""The board: every KPI of an environment with its target, how it stands, and where it goes."""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils import timezone

from core.admin.read_only import ReadOnlyAdmin, Screen
from kpis.admin import files, places, words
from kpis.admin.delivery import DeliveryPage
from kpis.admin.page import KpiPage
from kpis.admin.reporting import ReportFigure, UploadFigures, WithdrawFigure
from kpis.domain.figure import Status
from kpis.domain.words import STATUS
from kpis.models import Kpi
from kpis.selectors import figures


class BoardPage(Screen):
    permission_required = places.VIEW
    template_name = "kpis/board.html"
    live_template = "kpis/board_live.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        now, where = timezone.now(), places.find_environment(self.kwargs["where"])
        self.title = f"KPIs in {where}"
        rows = [words.shown(figure, line) for figure, line in figures.drawn(where, now=now)]
        groups = [(name, list(found)) for name, found in groupby(rows, lambda row: row.figure.definition.group)]
        counted = {status: sum(row.figure.status is status for row in rows) for status in Status}
        return super().get_context_data(
            now=now,
            environment_row=where,
            tabs=places.tabs(places.board),
            groups=groups,
            summary=[(STATUS[status], *words.LOOK[status], count) for status, count in counted.items() if count],
            measured_at=max((row.figure.measured_at for row in rows if row.figure.measured_at), default=None),
            may_report=self.request.user.has_perm(places.REPORT),
            delivery=places.delivery(where.key),
            **kwargs,
        )


@admin.register(Kpi)
class KpiAdmin(ReadOnlyAdmin):
    """KPIs are read on the board of an environment; the playbook defines them."""

    heading = "KPIs"

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        screens: list[tuple[str, Any, str]] = [
            ("in/<slug:where>/", BoardPage, "kpis_board"),
            ("in/<slug:where>/report/", ReportFigure, "kpis_report"),
            ("in/<slug:where>/upload/", UploadFigures, "kpis_upload"),
            ("in/<slug:where>/of/<slug:kpi>/", KpiPage, "kpis_kpi_page"),
            ("delivery/<slug:where>/", DeliveryPage, "kpis_delivery_in"),
            ("figures/<int:pk>/withdraw/", WithdrawFigure, "kpis_withdraw"),
        ]
        own = [path(route, wrap(view.as_view(model_admin=self)), name=name) for route, view, name in screens]
        return [
            *own,
            path("delivery/", wrap(_of_last(places.delivery)), name="kpis_delivery"),
            path("in/<slug:where>/board.csv", wrap(files.board), name="kpis_board_csv"),
            path("in/<slug:where>/of/<slug:kpi>/history.csv", wrap(files.history), name="kpis_history_csv"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return _of_last(places.board)(request)

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        return _of_last(places.board)(request)


def _of_last(address: Callable[[str], str]) -> Callable[[HttpRequest], HttpResponse]:
    """The page of the environment that matters most."""

    def leave(request: HttpRequest) -> HttpResponse:
        if not request.user.has_perm(places.VIEW):
            raise PermissionDenied
        last = places.last()
        return redirect(address(last.key) if last else "admin:index")

    return leave
