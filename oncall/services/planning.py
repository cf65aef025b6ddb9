"""Schedules: define, change and remove them, take shifts. One transaction and one event each."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.db import transaction

from core import events
from core.actors import Actor
from core.errors import Conflict, Invalid, NotFound, StaleVersion
from core.people import signs_in
from core.repeating import joined
from core.texts import check_text
from oncall import selectors
from oncall.domain import schedule
from oncall.models import Feed, Override, Schedule
from oncall.services.reaching import without_account


@transaction.atomic
def define(
    key: str,
    values: Mapping[str, Any],
    *,
    actor: Actor,
    reason: str,
    now: datetime,
    version: int | None = None,
) -> Schedule:
    """Make the schedule what is wanted; a change that changes nothing writes nothing.

    People without an account are no error: a playbook may be loaded before they come. `strangers` names them.

    Args:
        values: `name`, `zone`, `layers` (the uppermost first) and `feed`, as a playbook writes them.
        version: that somebody saw; None: whichever there is.

    Raises:
        Invalid: with a field such as `layers.0.people`.
        StaleVersion: somebody else has changed it since.
    """
    wanted, _ = schedule.read(values)
    row = Schedule.objects.select_for_update().filter(key=schedule.read_key(key)).first() or Schedule(key=key)
    if version is not None and row.pk and version != row.version:
        raise StaleVersion(row.name, expected=version, actual=row.version)
    before = picture(row) if row.pk else {}
    if before == wanted:
        return row
    row.name, row.zone, row.layers = wanted["name"], wanted["zone"], wanted["layers"]
    row.version = row.version + 1 if row.pk else 1
    row.save()
    _set_feed(row, wanted["feed"], now=now)
    kind = "schedule.changed" if before else "schedule.created"
    _tell(kind, row, before, wanted, actor=actor, reason=reason, now=now)
    return row


@transaction.atomic
def create(key: str, values: Mapping[str, Any], *, actor: Actor, reason: str, now: datetime) -> Schedule:
    """The same for one that must not be there yet: Conflict when it is."""
    if Schedule.objects.filter(key=key).exists():
        raise Conflict(f"There is a schedule {key} already: choose another key, or change that one.")
    return define(key, values, actor=actor, reason=reason, now=now)


@transaction.atomic
def remove(key: str, *, actor: Actor, reason: str, now: datetime) -> None:
    """Take a schedule away. Conflict while a chain asks it."""
    row = _hold(key)
    using = selectors.chains_with(key)
    if using:
        raise Conflict(f"{row.name} is asked by the chain {joined(using)}: change that first.")
    before = picture(row)
    row.delete()
    _tell("schedule.removed", row, before, {}, actor=actor, reason=reason, now=now)


@transaction.atomic
def take_shift(
    key: str, person: str, since: datetime, until: datetime, *, actor: Actor, now: datetime, reason: str = ""
) -> Override:
    """Put a person on call in [since, until) in place of whoever would be. A beginning in the past means now.

    Raises Invalid for somebody who cannot sign in, and for a time that is over, empty or longer than 35 days.
    """
    row = _hold(key)
    if not signs_in(person):
        raise Invalid(f"There is no active account {person!r}: nobody would be called.", field="person")
    since = max(since, now.replace(microsecond=0))
    schedule.check_span(since, until, now=now)
    reason = check_text(reason)
    given = {"since": since, "until": until, "reason": reason, "by": actor.name, "at": now}
    made = Override.objects.create(schedule=row, person=person, **given)
    _tell_shift("schedule.shift_taken", made, actor=actor, reason=reason, now=now)
    return made


@transaction.atomic
def give_back(key: str, override_id: int, *, actor: Actor, now: datetime, reason: str = "") -> Override:
    """End an override: from now on, whoever the layers name is on call. Conflict when it is over."""
    reason, row = check_text(reason), _hold(key)
    found = Override.objects.select_for_update().filter(pk=override_id, schedule=row).first()
    if found is None:
        raise NotFound(f"{row.name} has no override {override_id}.")
    if found.cancelled_at is not None or found.until <= now:
        raise Conflict("This override is over already.")
    if found.since < now:  # what was, stays: who was on call then must not change afterwards
        found.until = now
    else:
        found.cancelled_at = now
    found.cancelled_by = actor.name
    found.save()
    _tell_shift("schedule.shift_given_back", found, actor=actor, reason=reason, now=now)
    return found


def picture(row: Schedule) -> dict[str, Any]:
    """The schedule as events and playbooks tell it."""
    feed = selectors.feed_of(row)
    return {"name": row.name, "zone": row.zone, "layers": row.layers, "feed": feed.url if feed else ""}


def strangers(layers: list[dict[str, Any]]) -> list[str]:
    """The people of these layers who have no account, so that nobody can call them."""
    return without_account([name for each in layers for name in each["people"]])


def _hold(key: str) -> Schedule:
    found = Schedule.objects.select_for_update().filter(key=key).first()
    if found is None:
        raise NotFound(f"There is no schedule {key!r}.")
    return found


def _set_feed(row: Schedule, url: str, *, now: datetime) -> None:
    """Another address is another calendar: nothing of the old copy is left."""
    found = selectors.feed_of(row)
    if found is not None and found.url != url:
        found.delete()
        row.refresh_from_db()
        found = None
    if url and found is None:
        Feed.objects.create(schedule=row, url=url, next_at=now)
        row.refresh_from_db()


def _tell(
    kind: str,
    row: Schedule,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    *,
    actor: Actor,
    reason: str,
    now: datetime,
) -> None:
    data = {"name": row.name, "strangers": strangers(row.layers)}
    shown: dict[str, Any] = {"before": _in_words(before), "after": _in_words(after)}
    events.record(kind, subject=f"schedule:{row.key}", actor=actor, now=now, reason=reason, data=data, **shown)


def _in_words(values: Mapping[str, Any]) -> dict[str, Any]:
    """Each layer as a line, by its name; of the calendar the server alone, because its address is a secret."""
    if not values:
        return {}
    host = urlsplit(values["feed"]).hostname or ""
    return {**values, "layers": {layer["name"]: _line(layer) for layer in values["layers"]}, "feed": host}


def _line(layer: Mapping[str, Any]) -> str:
    """`ada, bob; 1w from 2025-08-04T09:00; mon, tue 09:00 to 17:00`."""
    hours = layer["hours"]
    only = f"; {', '.join(hours['days'])} {hours['from']} to {hours['to']}" if hours else ""
    return f"{', '.join(layer['people'])}; {layer['turn']} from {layer['starts']}{only}"


def _tell_shift(kind: str, row: Override, *, actor: Actor, reason: str, now: datetime) -> None:
    told = {"person": row.person, "since": row.since.isoformat(), "until": row.until.isoformat()}
    data = {"name": row.schedule.name, "override": row.pk}
    subject = f"schedule:{row.schedule.key}"
    events.record(kind, subject=subject, actor=actor, now=now, reason=reason, after=told, data=data)
