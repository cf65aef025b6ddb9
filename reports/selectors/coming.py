"""What is due next in one environment, read from every app that has a calendar."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db.models import QuerySet
from django.urls import reverse

import approvals.selectors
import statuspage.selectors
from core.freezes import Span
from reports.domain.coming import AHEAD, Coming, Kind, ordered
from rollouts.selectors import RampView
from statuspage.domain.states import MaintenanceState

if TYPE_CHECKING:
    from approvals.models import ChangeRequest
    from core.models import Environment
    from incidents.models import Incident
    from plans.models import Item
    from statuspage.models import Maintenance

MOST = 20


def coming(
    place: Environment,
    *,
    ramps: Iterable[RampView],
    freezes: Iterable[Span],
    incidents: Iterable[Incident],
    items: Iterable[Item],
    changes: Iterable[ChangeRequest],
    maintenances: Iterable[Maintenance],
    now: datetime,
) -> list[Coming]:
    """The next things in an environment.

    Args:
        ramps, freezes, incidents, items: of everywhere.
        changes, maintenances: of `asked`, which also reads them.
    """
    found = [
        *(one for view in ramps if view.ramp.environment_id == place.pk for one in _step(view, now)),
        *(one for span in freezes if place in span.environments for one in _freeze(span, now)),
        *(_change(row) for row in changes),
        *(_maintenance(row) for row in maintenances),
        *(_item(item) for item in items if item.checklist.plan.environment_id == place.pk),
        *(one for row in incidents if row.environment_id == place.pk for one in _escalation(row, now)),
    ]
    return ordered(found, now=now)


def asked(place: Environment, *, now: datetime) -> dict[str, QuerySet[Any]]:
    """The changes there, and the maintenances: they are of the public page, and of no environment."""
    every = statuspage.selectors.maintenances().prefetch_related(None)
    ahead = every.filter(state=MaintenanceState.SCHEDULED.value, starts_at__lt=now + AHEAD).order_by("starts_at")
    changes = approvals.selectors.scheduled(now=now).filter(environment_id=place.pk)
    return {"changes": changes[:MOST], "maintenances": ahead[:MOST]}


def _step(view: RampView, now: datetime) -> Iterator[Coming]:
    ramp, step = view.ramp, view.next
    url, flag = reverse("admin:rollouts_ramp_change", args=[ramp.pk]), ramp.flag.key
    if ramp.state == "held":
        yield Coming(Kind.HELD, f"{flag} is held", None, url, "rollouts.view_ramp", ramp.hold_reason)
    elif step is not None:
        to = "the allow-list only" if step.allow_list_only else f"{step.percentage:g} %"
        waits = view.waits_for if step.due_at <= now else ""
        yield Coming(Kind.STEP, f"{flag} to {to}", step.due_at, url, "rollouts.view_ramp", waits)


def _freeze(span: Span, now: datetime) -> Iterator[Coming]:
    url = reverse("admin:core_freeze_change", args=[span.freeze.pk])
    begins, ends = span.occurrence.starts_at, span.occurrence.ends_at
    if begins > now:
        yield Coming(Kind.FREEZE, f"Next freeze: {span.freeze.name}", begins, url, "core.view_freeze")
    elif ends > now:
        yield Coming(Kind.THAW, f"Freeze ends: {span.freeze.name}", ends, url, "core.view_freeze")


def _change(row: ChangeRequest) -> Coming:
    url = reverse("admin:approvals_changerequest_change", args=[row.pk])
    return Coming(Kind.CHANGE, row.title, row.apply_at, url, "approvals.view_changerequest")


def _maintenance(row: Maintenance) -> Coming:
    url = reverse("admin:statuspage_maintenance_change", args=[row.pk])
    return Coming(Kind.MAINTENANCE, f"Maintenance: {row.title}", row.starts_at, url, "statuspage.view_maintenance")


def _item(item: Item) -> Coming:
    url = f"{reverse('admin:plans_checklist_change', args=[item.checklist.pk])}#item-{item.pk}"
    due: datetime = item.due  # type: ignore[attr-defined]  # annotated
    return Coming(Kind.ITEM, item.text, due, url, "plans.view_checklist")


def _escalation(row: Incident, now: datetime) -> Iterator[Coming]:
    if row.escalate_at is not None and row.escalate_at > now and not row.owner:
        url = reverse("admin:incidents_incident_change", args=[row.pk])
        yield Coming(Kind.ESCALATION, f"Incident {row.pk} escalates", row.escalate_at, url, "incidents.view_incident")
