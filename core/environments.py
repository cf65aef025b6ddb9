"""Environments: found by key, written by the playbook."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils import timezone

from core import events
from core.actors import Actor
from core.calendar import read_zone
from core.errors import NotFound
from core.models import Environment
from core.texts import is_storable

if TYPE_CHECKING:
    from django.db.models import QuerySet

FIELDS = ("name", "position", "protected", "zone", "purpose", "database", "features", "monitoring")


def get(key: str) -> Environment:
    """The environment with this key; NotFound names the ones there are."""
    found = Environment.objects.filter(key=key).first() if is_storable(key) else None
    if found is None:
        known = ", ".join(Environment.objects.values_list("key", flat=True)) or "none yet: load a playbook"
        raise NotFound(f"There is no environment {key!r}. Known: {known}.")
    return found


def key_of(environment_id: int) -> str:
    """The key of the environment with this number."""
    return Environment.objects.values_list("key", flat=True).get(pk=environment_id)


def ordered() -> QuerySet[Environment]:
    """All environments in the order of promotion."""
    return Environment.objects.order_by("position", "key")


def local(environment: Environment, now: datetime) -> datetime:
    """`now` as the clocks of its people show it: in its zone, else in the installation's (`TIME_ZONE`)."""
    return now.astimezone(read_zone(environment.zone) if environment.zone else timezone.get_default_timezone())


def as_dict(environment: Environment) -> dict[str, Any]:
    return {field: getattr(environment, field) for field in FIELDS}


@transaction.atomic
def define(key: str, values: dict[str, Any], *, actor: Actor, reason: str, now: datetime) -> Environment:
    """Create the environment, or set the given fields of it. Nothing is written when nothing differs.

    Raises Invalid for a zone that is none.
    """
    if values.get("zone"):
        read_zone(values["zone"])
    environment = Environment.objects.select_for_update().filter(key=key).first() or Environment(key=key)
    before = as_dict(environment) if environment.pk else {}
    for field, value in values.items():
        setattr(environment, field, value)
    after = as_dict(environment)
    if before != after:
        environment.save()
        events.record(
            "environment.changed" if before else "environment.created",
            subject=f"environment:{key}",
            actor=actor,
            now=now,
            environment_id=environment.pk,
            reason=reason,
            before=before,
            after=after,
        )
    return environment
