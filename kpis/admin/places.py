"""Where the pages of the KPIs are, and which environment a page is about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.http import Http404
from django.urls import reverse

from core import beside, environments
from core.errors import NotFound
from kpis import selectors

if TYPE_CHECKING:
    from core.models import Environment
    from kpis.models import Kpi

VIEW, REPORT = "kpis.view_kpi", "kpis.report_figure"


def board(environment: str) -> str:
    return reverse("admin:kpis_board", args=[environment])


def page(environment: str, key: str) -> str:
    return reverse("admin:kpis_kpi_page", args=[environment, key])


def delivery(environment: str) -> str:
    return reverse("admin:kpis_delivery_in", args=[environment])


def last() -> Environment | None:
    """The environment that matters most: the last on the way up."""
    return environments.ordered().last()


def find_environment(key: str) -> Environment:
    """Raises Http404."""
    try:
        return environments.get(key)
    except NotFound as error:
        raise Http404(str(error)) from error


def find_kpi(key: str) -> Kpi:
    """Raises Http404."""
    try:
        return selectors.get(key)
    except NotFound as error:
        raise Http404(str(error)) from error


def tabs(address: Any) -> list[tuple[Environment, str]]:
    """Every environment with the address of this page there, the last on the way up first."""
    return [(one, address(one.key)) for one in environments.ordered().reverse()]


def of_event(key: str, environment: str) -> str:
    """The page of a KPI that an event is about; its definition is about none in particular."""
    where = environment or getattr(last(), "key", "")
    return page(where, key) if where else ""


beside.add_page("kpi", of_event)
