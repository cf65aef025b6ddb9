"""Plan work, tell of it in advance, and let the clock begin and end it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction

from core import events
from core.actors import CLOCK, Actor
from core.errors import Conflict, Invalid, NotFound, StaleVersion
from core.texts import check_text, need_reason
from statuspage.domain.languages import FIRST
from statuspage.domain.states import MAINTENANCE, UNDER_WAY, MaintenanceState
from statuspage.domain.texts import read_texts, read_titles
from statuspage.domain.window import Window
from statuspage.models import Component, Maintenance
from statuspage.services.locking import hold_page, new_id, raise_version
from statuspage.services.settling import settle, told


@dataclass(frozen=True, slots=True)
class Plan:
    """A maintenance as somebody wants it.

    `titles` and `texts` are by language, `components` keys; `starts_at` and `ends_at` are local times of `zone` (ISO
    8601 without an offset).
    """

    titles: Mapping[str, str]
    texts: Mapping[str, str]
    components: Sequence[str]
    zone: str
    starts_at: str
    ends_at: str


@transaction.atomic
def plan(wanted: Plan, *, actor: Actor, now: datetime, reason: str = "") -> Maintenance:
    """Tell of it from now on. It begins by the clock, at once when its start is over already. Invalid, NotFound."""
    page, reason = hold_page(now=now), check_text(reason)
    row = Maintenance(public_id=new_id(), created_at=now, created_by=actor.name, updated_at=now)
    components = _fill(row, wanted, now)
    row.save()
    row.components.set(components)
    raise_version(page, now=now)
    _tell("maintenance.planned", row, actor=actor, reason=reason, now=now, after=picture(row))
    return row


@transaction.atomic
def change(
    maintenance_id: int, wanted: Plan, *, actor: Actor, reason: str, now: datetime, version: int | None = None
) -> Maintenance:
    """Make it what is wanted; a change that changes nothing writes nothing. Once begun it keeps its start.

    Raises Conflict when it is over, StaleVersion, Invalid, NotFound.
    """
    page, reason = hold_page(now=now), need_reason(reason)
    row = _find(maintenance_id, version)
    if row.ended_at is not None:
        raise Conflict(f"This maintenance is {row.state}: plan another one.")
    before, begun = picture(row), row.starts_at
    components = _fill(row, wanted, now)
    if row.state in UNDER_WAY and row.starts_at != begun:
        raise Invalid("It has begun already: its start stays. Change the end.", field="starts_at")
    were = set(row.components.values_list("pk", flat=True))
    row.components.set(components)
    if picture(row) == before:
        return row
    _save(row, now)
    changes = settle(were | {each.pk for each in components}, now=now)
    raise_version(page, now=now)
    data = {"changed": told(changes)}
    _tell("maintenance.changed", row, actor=actor, reason=reason, now=now, before=before, after=picture(row), data=data)
    return row


@transaction.atomic
def cancel(maintenance_id: int, *, actor: Actor, reason: str, now: datetime, version: int | None = None) -> Maintenance:
    """It will not be. One that has begun is completed instead: IllegalMove."""
    page, reason = hold_page(now=now), need_reason(reason)
    row = _find(maintenance_id, version)
    _move(row, MaintenanceState.CANCELLED, now)
    raise_version(page, now=now)
    _tell("maintenance.cancelled", row, actor=actor, reason=reason, now=now)
    return row


@transaction.atomic
def verify(maintenance_id: int, *, actor: Actor, now: datetime, version: int | None = None) -> Maintenance:
    """The work is done and is being looked at; it still ends by the clock, or by hand."""
    page = hold_page(now=now)
    row = _find(maintenance_id, version)
    _move(row, MaintenanceState.VERIFYING, now)
    raise_version(page, now=now)
    _tell("maintenance.verifying", row, actor=actor, reason="", now=now)
    return row


@transaction.atomic
def complete(
    maintenance_id: int, *, actor: Actor, now: datetime, reason: str = "", version: int | None = None
) -> Maintenance:
    """It is over before its time. One that has not begun is cancelled instead: Conflict."""
    page, reason = hold_page(now=now), check_text(reason)
    row = _find(maintenance_id, version)
    if row.state == MaintenanceState.SCHEDULED:
        raise Conflict("It has not begun yet: cancel it.")
    _end(row, actor=actor, reason=reason, now=now)
    raise_version(page, now=now)
    return row


def tick(*, now: datetime) -> int:
    """Begin and end what is due; how many were. Several at once do no harm: each row is looked at again, locked.

    One whose whole time passed while no clock ran never began: it is only told as over.
    """
    due = Maintenance.objects.filter(state=MaintenanceState.SCHEDULED.value, starts_at__lte=now)
    over = Maintenance.objects.filter(state__in=[state.value for state in UNDER_WAY], ends_at__lte=now)
    return sum(_turn(pk, now) for pk in [*due.values_list("pk", flat=True), *over.values_list("pk", flat=True)])


@transaction.atomic
def _turn(maintenance_id: int, now: datetime) -> bool:
    page = hold_page(now=now)
    row = _find(maintenance_id)
    if row.ended_at is not None:
        return False
    if row.ends_at <= now:
        _end(row, actor=CLOCK, reason="", now=now)
    elif row.state == MaintenanceState.SCHEDULED and row.starts_at <= now:
        _begin(row, now)
    else:
        return False
    raise_version(page, now=now)
    return True


def picture(row: Maintenance) -> dict[str, Any]:
    """The maintenance as an event tells it; times are local ones of its zone."""
    plan = as_plan(row)
    return {
        "titles": dict(plan.titles),
        "texts": dict(plan.texts),
        "components": sorted(plan.components),
        "zone": plan.zone,
        "starts": plan.starts_at,
        "ends": plan.ends_at,
    }


def as_plan(row: Maintenance) -> Plan:
    """What somebody would want to get this maintenance."""
    zone = ZoneInfo(row.zone)
    starts, ends = (at.astimezone(zone).replace(tzinfo=None) for at in (row.starts_at, row.ends_at))
    keys = [each.key for each in row.components.all()]
    return Plan(row.titles, row.texts, keys, row.zone, starts.isoformat("T", "minutes"), ends.isoformat("T", "minutes"))


def _fill(row: Maintenance, wanted: Plan, now: datetime) -> list[Component]:
    row.titles, row.texts = read_titles(wanted.titles), read_texts(wanted.texts)
    window = Window.read(wanted.starts_at, wanted.ends_at, wanted.zone, now=now)
    row.starts_at, row.ends_at, row.zone = window.starts_at, window.ends_at, window.zone
    found = list(Component.objects.filter(key__in=wanted.components, retired_at=None))
    if missing := sorted(set(wanted.components) - {each.key for each in found}):
        raise NotFound(f"The page has no component {missing[0]!r}.")
    if not found:
        raise Invalid("Choose what it is about: at least one component.", field="components")
    return found


def _begin(row: Maintenance, now: datetime) -> None:
    _move(row, MaintenanceState.IN_PROGRESS, now)
    changes = settle(list(row.components.values_list("pk", flat=True)), now=now)
    _tell("maintenance.begun", row, actor=CLOCK, reason="", now=now, data={"changed": told(changes)})


def _end(row: Maintenance, *, actor: Actor, reason: str, now: datetime) -> None:
    missed = row.state == MaintenanceState.SCHEDULED
    _move(row, MaintenanceState.COMPLETED, now)
    changes = settle(list(row.components.values_list("pk", flat=True)), now=now)
    data = {"changed": told(changes), "missed": missed}
    _tell("maintenance.ended", row, actor=actor, reason=reason, now=now, data=data)


def _move(row: Maintenance, target: MaintenanceState, now: datetime) -> None:
    row.state = MAINTENANCE.move(MaintenanceState(row.state), target).value
    if target in (MaintenanceState.COMPLETED, MaintenanceState.CANCELLED):
        row.ended_at = now
    _save(row, now)


def _save(row: Maintenance, now: datetime) -> None:
    row.updated_at = now
    row.version += 1
    row.save()


def _find(maintenance_id: int, version: int | None = None) -> Maintenance:
    row = Maintenance.objects.select_for_update().filter(pk=maintenance_id).first()
    if row is None:
        raise NotFound(f"There is no maintenance {maintenance_id}.")
    if version is not None and version != row.version:
        raise StaleVersion("The maintenance", expected=version, actual=row.version)
    return row


def _tell(
    kind: str,
    row: Maintenance,
    *,
    actor: Actor,
    reason: str,
    now: datetime,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    data: Mapping[str, Any] | None = None,
) -> None:
    """Every event of a maintenance has what is needed to announce it."""
    events.record(
        kind,
        subject=f"maintenance:{row.public_id}",
        actor=actor,
        now=now,
        reason=reason,
        before=before,
        after=after,
        data={
            "maintenance": row.public_id,
            "title": row.title,
            "text": row.texts.get(FIRST, ""),
            "titles": row.titles,
            "texts": row.texts,
            "components": sorted(each.key for each in row.components.all()),
            "starts_at": row.starts_at.astimezone(UTC).isoformat(),
            "ends_at": row.ends_at.astimezone(UTC).isoformat(),
            "zone": row.zone,
            **(data or {}),
        },
    )
