"""The page as it is now, read whole: nine queries, whatever is on it."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Max, Q

from statuspage.domain import picture as shown
from statuspage.domain.history import DAYS, Change
from statuspage.domain.languages import FIRST
from statuspage.domain.states import AHEAD, OPEN, ComponentState, Impact, IncidentState, MaintenanceState
from statuspage.models import Component, ComponentChange, Maintenance, Page, PublicIncident, PublicUpdate
from statuspage.models.page import TITLE
from statuspage.selectors import components, incidents, maintenances, page

BACK = timedelta(days=DAYS + 1)
MOST = 500  # incidents, and maintenances: a page is for people


def picture(*, now: datetime) -> shown.Picture:
    """What the public sees: an empty page of version 0 until something was put on it."""
    return _picture(page() or Page(title=TITLE, version=0, changed_at=now), since=now - BACK)


def changes(*, now: datetime) -> dict[int, list[Change]]:
    """By the number of the component: the changes of its state in the last 90 days, and the one before. One query."""
    return _changes(now - BACK)


def one_incident(public_id: str) -> shown.Incident | None:
    """An incident by the id of its address, also one that the page does not list any more."""
    row = incidents().filter(public_id=public_id).first()
    return _incident(row) if row else None


def one_maintenance(public_id: str) -> shown.Maintenance | None:
    """A maintenance by the id of its address, also one that the page does not list any more."""
    row = maintenances().filter(public_id=public_id).first()
    return _maintenance(row) if row else None


def _picture(row: Page, *, since: datetime) -> shown.Picture:
    changed = _changes(since)
    recent = incidents().filter(Q(state__in=OPEN) | Q(started_at__gte=since)).order_by("-started_at", "-id")
    work = maintenances().filter(Q(state__in=AHEAD) | Q(ends_at__gte=since))
    return shown.Picture(
        title=row.title,
        address=(row.address or settings.PUBLIC_URL).rstrip("/"),
        version=row.version,
        changed_at=row.changed_at,
        components=tuple(_component(each, changed[each.pk]) for each in components()),
        incidents=tuple(_incident(each) for each in recent[:MOST]),
        maintenances=tuple(_maintenance(each) for each in work[:MOST]),
    )


def _changes(since: datetime) -> dict[int, list[Change]]:
    """By component: those after `since`, and the last one before."""
    before = ComponentChange.objects.filter(at__lt=since).order_by().values("component").annotate(last=Max("pk"))
    rows = ComponentChange.objects.filter(Q(at__gte=since) | Q(pk__in=before.values("last"))).order_by("pk")
    found: dict[int, list[Change]] = defaultdict(list)
    for pk, at, state in rows.values_list("component_id", "at", "state"):
        found[pk].append(Change(at, ComponentState(state)))
    return found


def _component(row: Component, changes: list[Change]) -> shown.Component:
    def in_all(field: str) -> dict[str, str]:
        told = {FIRST: getattr(row, field), **{key: each.get(field, "") for key, each in row.translations.items()}}
        return {language: text for language, text in told.items() if text}

    return shown.Component(
        id=row.public_id,
        key=row.key,
        names=in_all("name"),
        descriptions=in_all("description"),
        groups=in_all("group"),
        position=row.position,
        state=ComponentState(row.state),
        created_at=row.created_at,
        updated_at=row.since,
        changes=tuple(changes),
    )


def _incident(row: PublicIncident) -> shown.Incident:
    return shown.Incident(
        id=row.public_id,
        titles=row.titles,
        impact=Impact(row.impact),
        state=IncidentState(row.state),
        started_at=row.started_at,
        updated_at=row.updated_at,
        resolved_at=row.resolved_at,
        components={each.component.key: ComponentState(each.state) for each in row.components.all()},
        updates=tuple(_update(each) for each in row.updates.all()),
    )


def _update(row: PublicUpdate) -> shown.Update:
    states = {key: ComponentState(state) for key, state in row.components.items()}
    return shown.Update(row.public_id, IncidentState(row.state), row.at, row.texts, states)


def _maintenance(row: Maintenance) -> shown.Maintenance:
    return shown.Maintenance(
        id=row.public_id,
        titles=row.titles,
        texts=row.texts,
        state=MaintenanceState(row.state),
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        zone=row.zone,
        components=tuple(each.key for each in row.components.all()),
        created_at=row.created_at,
        updated_at=row.updated_at,
        ended_at=row.ended_at,
    )
