"""How the list of flags is narrowed. The list is about one environment at a time: production, when none is chosen."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, QueryDict
from django.utils import timezone
from unfold.contrib.filters.admin import DropdownFilter

from core import beside, environments
from core.choices import choices
from flags.domain.staleness import Staleness
from flags.domain.values import ValueType
from flags.models import FlagState
from flags.selectors import listing

if TYPE_CHECKING:
    from core.models import Environment

STATES = {
    "on": Q(enabled=True),
    "partial": Q(enabled=True, percentage__lt=100),
    "off": Q(enabled=False),
    "halted": Q(enabled=False, disabled_at__isnull=False),
}
STATE_WORDS = {
    "on": "On",
    "partial": "On, not for everybody",
    "off": "Off",
    "halted": "Stopped in an emergency",
    "ramping": "On a ramp",
}


def chosen(request: HttpRequest) -> Environment | None:
    """The environment that the list is about; the last one of the promotion when none, or no known one, is named.

    Read once for each request.
    """
    found: list[Environment] | None = getattr(request, "_environments", None)
    if found is None:
        found = list(environments.ordered().reverse())
        request._environments = found  # type: ignore[attr-defined]
    wanted = request.GET.get(EnvironmentFilter.parameter_name)
    return next((row for row in found if row.key == wanted), found[0] if found else None)


def all_environments(request: HttpRequest) -> list[Environment]:
    """Every environment, production first; read once for each request."""
    chosen(request)
    found: list[Environment] = request._environments  # type: ignore[attr-defined]
    return found


def above(request: HttpRequest) -> Environment | None:
    """The next environment of the promotion after the chosen one; None after the last."""
    found, here = all_environments(request), chosen(request)
    place = found.index(here) if here is not None else 0
    return found[place - 1] if place else None


class EnvironmentFilter(DropdownFilter):
    title = "environment"
    parameter_name = "environment"
    all_option = None

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> list[tuple[str, str]]:
        return [(row.key, row.name) for row in all_environments(request)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[FlagState]) -> QuerySet[FlagState]:
        return queryset.filter(environment=chosen(request))


class StateFilter(DropdownFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> list[tuple[str, str]]:
        return list(STATE_WORDS.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[FlagState]) -> QuerySet[FlagState]:
        if self.value() == "ramping":
            return queryset.filter(flag__key__in=_moving(queryset, chosen(request)))
        return queryset.filter(STATES[self.value()]) if self.value() in STATES else queryset


def _moving(queryset: QuerySet[FlagState], environment: Environment | None) -> Iterable[str]:
    if environment is None:
        return ()
    return beside.movers(queryset.values_list("flag__key", flat=True), environment.key)


class StaleFilter(DropdownFilter):
    title = "in use"
    parameter_name = "stale"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> list[tuple[str, str]]:
        return [("any", "Stale"), *((kind.value, kind.value.capitalize()) for kind in Staleness)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[FlagState]) -> QuerySet[FlagState]:
        if not self.value():
            return queryset
        found = listing.all_stale(now=timezone.now())
        kinds = [flag_id for flag_id, stale in found.items() if self.value() in ("any", stale.kind.value)]
        return queryset.filter(flag_id__in=kinds)


class TypeFilter(DropdownFilter):
    title = "type"
    parameter_name = "type"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> list[tuple[str, str]]:
        return choices(ValueType)

    def queryset(self, request: HttpRequest, queryset: QuerySet[FlagState]) -> QuerySet[FlagState]:
        return queryset.filter(flag__value_type=self.value()) if self.value() else queryset


def quick(request: HttpRequest) -> list[tuple[str, str, bool]]:
    """Name, query and whether it is chosen: for each environment, production first; then the states worth a click."""
    here = chosen(request)
    rows = [(row.name, "environment", row.key, row == here) for row in all_environments(request)]
    for name, parameter, value in (
        ("On a ramp", "state", "ramping"),
        ("Stopped in an emergency", "state", "halted"),
        ("Stale", "stale", "any"),
    ):
        rows.append((name, parameter, value, request.GET.get(parameter) == value))
    return [(name, _toggled(request.GET, parameter, value, on=on), on) for name, parameter, value, on in rows]


def _toggled(given: QueryDict, parameter: str, value: str, *, on: bool) -> str:
    """The query with this filter set; without it when it is set already, unless it is the environment."""
    query = given.copy()
    query.pop("p", None)
    query.pop(parameter, None)
    if not on or parameter == "environment":
        query[parameter] = value
    return query.urlencode()
