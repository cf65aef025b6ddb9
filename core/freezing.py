"""Plan, change and end freezes, and let changes through one. One transaction and one event each."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import transaction

from core import environments, events, freezes
from core.actors import Actor
from core.calendar import Occurrence, Timetable, read
from core.errors import Conflict, Invalid, NotFound, StaleVersion
from core.models import Environment, Freeze, FreezeOverride
from core.texts import check_text, need_reason, need_text


@dataclass(frozen=True, slots=True)
class Plan:
    """A freeze as somebody wants it.

    `starts_at` is local time in `zone` (ISO 8601 without an offset), `duration` is in seconds, `recurrence` the value
    of an RRULE or empty, `but_not` local dates (ISO 8601), `environments` keys.
    """

    name: str
    reason: str
    environments: Sequence[str]
    zone: str
    starts_at: str
    duration: int
    recurrence: str = ""
    but_not: Collection[str] = ()

    def timetable(self) -> Timetable:
        """When it would hold; Invalid with `field` when it cannot be."""
        return read(
            start=self.starts_at,
            zone=self.zone,
            seconds=self.duration,
            recurrence=self.recurrence,
            but_not=self.but_not,
        )


@transaction.atomic
def plan(wanted: Plan, *, actor: Actor, now: datetime, key: str | None = None, reason: str = "") -> Freeze:
    """Make a freeze; it holds from its next occurrence on, or at once when one is going on.

    Args:
        key: of one that a playbook keeps. Only such a one may be over already: the file may be of last year.
        reason: why it is planned, where that is not the reason of the freeze itself.

    Raises:
        Invalid: a field that cannot be, or an occurrence that can never come any more.
        NotFound: an environment that is not there.
    """
    reason, freeze = check_text(reason), Freeze(key=key, created_at=now, created_by=actor.name)
    where = _fill(freeze, wanted)
    if key is None and not freezes.upcoming(freeze, now=now, most=1):
        raise Invalid("This freeze would be over already: nothing of it is ahead.", field="starts_at")
    freeze.save()
    freeze.environments.set(where)
    _tell("freeze.planned", freeze, {}, actor=actor, reason=reason or freeze.reason, now=now)
    return freeze


@transaction.atomic
def change(
    freeze_id: int, wanted: Plan, *, actor: Actor, reason: str, now: datetime, version: int | None = None
) -> Freeze:
    """Make it what is wanted; a change that changes nothing writes nothing.

    Overrides stay with the occurrences they were given for: one that moves holds again.

    Raises Conflict for an ended freeze, StaleVersion, Invalid, NotFound.
    """
    freeze = _hold(freeze_id, version)
    reason = need_reason(reason)
    before = picture(freeze)
    where = _fill(freeze, wanted)
    freeze.environments.set(where)
    if picture(freeze) == before:
        return freeze
    freeze.version += 1
    freeze.save()
    _tell("freeze.changed", freeze, before, actor=actor, reason=reason, now=now)
    return freeze


@transaction.atomic
def define(key: str, wanted: Plan, *, actor: Actor, reason: str, now: datetime) -> Freeze:
    """Plan the freeze of a playbook, or change it. Conflict when it was ended."""
    found = Freeze.objects.filter(key=key).values_list("pk", flat=True).first()
    if found is None:
        return plan(wanted, actor=actor, now=now, key=key, reason=reason)
    return change(found, wanted, actor=actor, reason=reason, now=now)


@transaction.atomic
def end(freeze_id: int, *, actor: Actor, reason: str, now: datetime, version: int | None = None) -> Freeze:
    """End it for good: it holds no more from now on. What it held stays in the history."""
    freeze = _hold(freeze_id, version)
    reason = need_reason(reason, "Say why: the freeze ends for everybody, for good.")
    before = picture(freeze)
    freeze.ended_at = now
    freeze.version += 1
    freeze.save(update_fields=["ended_at", "version"])
    _tell("freeze.ended", freeze, before, actor=actor, reason=reason, now=now)
    return freeze


@transaction.atomic
def override(
    freeze_id: int,
    environment: str,
    *,
    actor: Actor,
    reason: str,
    now: datetime,
    until: datetime | None = None,
    occurrence: datetime | None = None,
) -> FreezeOverride:
    """Let changes through one occurrence of the freeze in one environment.

    Args:
        until: when it holds again; None: not before the occurrence ends.
        occurrence: when that occurrence begins; None: the one that holds now. One that is ahead can be let through
            too, and then not before it begins.

    Raises:
        Conflict: the freeze does not hold there, was ended, or is let through already.
        Invalid: no reason, or `until` outside of the rest of the occurrence.
    """
    freeze = _hold(freeze_id, None)
    reason = need_reason(reason, "Say why changes must pass: it is kept with your name.")
    where = _place(freeze, environment)
    found = _occurrence(freeze, occurrence, now)
    until = until or found.ends_at
    if not max(now, found.starts_at) < until <= found.ends_at:
        raise Invalid(f"Choose a time until {_clock(found.ends_at)}, when this freeze ends anyway.", field="until")
    standing = FreezeOverride.objects.filter(freeze=freeze, environment=where, occurrence=found.starts_at).first()
    if standing is not None and standing.until > now:
        raise Conflict(f"{standing.by} lets changes through it until {_clock(standing.until)} already.")
    row = standing or FreezeOverride(freeze=freeze, environment=where, occurrence=found.starts_at.astimezone(UTC))
    row.until, row.reason, row.by, row.at = until, reason, actor.name, now
    row.save()
    _tell_override("freeze.overridden", row, actor=actor, reason=reason, now=now)
    return row


@transaction.atomic
def lift(override_id: int, *, actor: Actor, reason: str, now: datetime) -> FreezeOverride:
    """End an override before its time: the freeze holds again from now on."""
    reason = need_reason(reason, "Say why: whoever counts on the override will ask.")
    row = FreezeOverride.objects.select_for_update().filter(pk=override_id).first()
    if row is None:
        raise NotFound(f"There is no override {override_id}.")
    if row.until <= now:
        raise Conflict(f"This override was over {_clock(row.until)} already.")
    row.until = now
    row.save(update_fields=["until"])
    _tell_override("freeze.override_lifted", row, actor=actor, reason=reason, now=now)
    return row


def picture(freeze: Freeze) -> dict[str, Any]:
    """The freeze as an event tells it."""
    return told(as_plan(freeze))


def as_plan(freeze: Freeze) -> Plan:
    """What somebody would want to get this freeze."""
    return Plan(
        name=freeze.name,
        reason=freeze.reason,
        environments=[each.key for each in freeze.environments.all()],
        zone=freeze.zone,
        starts_at=freeze.starts_at,
        duration=freeze.duration,
        recurrence=freeze.recurrence,
        but_not=freeze.but_not,
    )


def told(plan: Plan) -> dict[str, Any]:
    """A plan as events and playbooks write it. Invalid when it cannot be."""
    table = plan.timetable()
    return {
        "name": plan.name,
        "reason": plan.reason,
        "environments": sorted(plan.environments),
        "zone": plan.zone,
        "starts": table.start.isoformat(),
        "durationHours": hours(plan.duration),
        "recurrence": table.recurrence,
        "butNot": sorted(day.isoformat() for day in table.but_not),
    }


def planned(told: Mapping[str, Any]) -> Plan:
    """The plan that was told like this."""
    return Plan(
        name=told["name"],
        reason=told["reason"],
        environments=told["environments"],
        zone=told["zone"],
        starts_at=told["starts"],
        duration=round(told["durationHours"] * 3600),
        recurrence=told["recurrence"],
        but_not=told["butNot"],
    )


def hours(seconds: int) -> int | float:
    """Seconds as hours; whole ones without a point."""
    return seconds // 3600 if seconds % 3600 == 0 else seconds / 3600


def _hold(freeze_id: int, version: int | None) -> Freeze:
    freeze = Freeze.objects.select_for_update().filter(pk=freeze_id).first()
    if freeze is None:
        raise NotFound(f"There is no freeze {freeze_id}.")
    if freeze.ended_at is not None:
        raise Conflict(f"{freeze.name} was ended {_clock(freeze.ended_at)}. Plan a new one.")
    if version is not None and version != freeze.version:
        raise StaleVersion(freeze.name, expected=version, actual=freeze.version)
    return freeze


def _fill(freeze: Freeze, wanted: Plan) -> list[Environment]:
    """Set the fields of the checked plan; its environments."""
    table = wanted.timetable()
    freeze.name = need_text(wanted.name, "Give the freeze a name, for example Pay day.", field="name", longest=120)
    freeze.reason = need_reason(wanted.reason, "Say what the freeze protects: whoever it stops reads this.")
    if not wanted.environments:
        raise Invalid("Choose at least one environment.", field="environments")
    freeze.zone, freeze.starts_at = wanted.zone, table.start.isoformat()
    freeze.duration, freeze.recurrence = wanted.duration, table.recurrence
    freeze.but_not = sorted(day.isoformat() for day in table.but_not)
    return [environments.get(key) for key in dict.fromkeys(wanted.environments)]


def _place(freeze: Freeze, environment: str) -> Environment:
    for each in freeze.environments.all():
        if each.key == environment:
            return each
    raise Conflict(f"{freeze.name} does not hold in {environment}.")


def _occurrence(freeze: Freeze, begins: datetime | None, now: datetime) -> Occurrence:
    table = freezes.timetable(freeze)
    found = table.at(now if begins is None else begins)
    if (
        found is None
        or found.ends_at <= now
        or (begins is not None and found.starts_at.astimezone(UTC) != begins.astimezone(UTC))
    ):
        raise Conflict(f"{freeze.name} does not hold {'now' if begins is None else _clock(begins)}.")
    return found


def _tell(kind: str, freeze: Freeze, before: dict[str, Any], *, actor: Actor, reason: str, now: datetime) -> None:
    after = picture(freeze) | ({"ended": True} if freeze.ended_at else {})
    events.record(kind, subject=f"freeze:{freeze.pk}", actor=actor, now=now, reason=reason, before=before, after=after)


def _tell_override(kind: str, row: FreezeOverride, *, actor: Actor, reason: str, now: datetime) -> None:
    events.record(
        kind,
        subject=f"freeze:{row.freeze_id}",
        actor=actor,
        now=now,
        environment_id=row.environment_id,
        reason=reason,
        after={"until": row.until.isoformat()},
        data={"name": row.freeze.name, "occurrence": row.occurrence.isoformat(), "override": row.pk},
    )


def _clock(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} {at.tzname()}"
