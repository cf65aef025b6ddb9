"""Chains: define, change and remove them. What runs already goes on by the chain it was started with."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from core import events
from core.actors import Actor
from core.errors import Conflict, Invalid, NotFound, StaleVersion
from oncall.domain import chain as chains
from oncall.domain.schedule import read_key
from oncall.models import Chain, Schedule


@transaction.atomic
def define(
    key: str,
    values: Mapping[str, Any],
    *,
    actor: Actor,
    reason: str,
    now: datetime,
    version: int | None = None,
) -> Chain:
    """Make the chain what is wanted; a change that changes nothing writes nothing.

    Args:
        values: `name`, `description` and `steps`, as a playbook writes them.
        version: that somebody saw; None: whichever there is.

    Raises:
        Invalid: with a field such as `steps.2`; also for a schedule that is not there.
        StaleVersion: somebody else has changed it since.
    """
    wanted = chains.read(values)
    _check_schedules(wanted["steps"])
    row = Chain.objects.select_for_update().filter(key=read_key(key)).first() or Chain(key=key)
    if version is not None and row.pk and version != row.version:
        raise StaleVersion(row.name, expected=version, actual=row.version)
    before = picture(row) if row.pk else {}
    if before == wanted:
        return row
    row.name, row.description, row.steps = wanted["name"], wanted["description"], wanted["steps"]
    row.version = row.version + 1 if row.pk else 1
    row.save()
    kind = "chain.changed" if before else "chain.created"
    _tell(kind, key, before, wanted, actor=actor, reason=reason, now=now)
    return row


@transaction.atomic
def create(key: str, values: Mapping[str, Any], *, actor: Actor, reason: str, now: datetime) -> Chain:
    """The same for one that must not be there yet: Conflict when it is."""
    if Chain.objects.filter(key=key).exists():
        raise Conflict(f"There is a chain {key} already: choose another key, or change that one.")
    return define(key, values, actor=actor, reason=reason, now=now)


@transaction.atomic
def remove(key: str, *, actor: Actor, reason: str, now: datetime) -> None:
    """Take a chain away. What runs already goes on: it has its own copy."""
    row = Chain.objects.select_for_update().filter(key=key).first()
    if row is None:
        raise NotFound(f"There is no chain {key!r}.")
    before = picture(row)
    row.delete()
    _tell("chain.removed", key, before, {}, actor=actor, reason=reason, now=now)


def picture(row: Chain) -> dict[str, Any]:
    """The chain as events and playbooks tell it."""
    return {"name": row.name, "description": row.description, "steps": row.steps}


def _check_schedules(steps: list[dict[str, Any]]) -> None:
    known = set(Schedule.objects.values_list("key", flat=True))
    for number, step in enumerate(chains.stored(steps)):
        for missing in chains.schedules([step]) - known:
            has = f"There are: {', '.join(sorted(known))}." if known else "Make one first."
            raise Invalid(f"There is no schedule {missing!r}. {has}", field=f"steps.{number}")


def _tell(
    kind: str,
    key: str,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    *,
    actor: Actor,
    reason: str,
    now: datetime,
) -> None:
    data = {"name": (after or before)["name"]}
    shown: dict[str, Any] = {"before": _in_words(before), "after": _in_words(after)}
    events.record(kind, subject=f"chain:{key}", actor=actor, now=now, reason=reason, data=data, **shown)


def _in_words(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values with each step as its sentence, by its number."""
    if not values:
        return {}
    steps = enumerate(chains.stored(values["steps"]), start=1)
    return {**values, "steps": {str(number): chains.sentence(step) for number, step in steps}}
