"""Servers that measurements are pulled from: defined by the playbook."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from core import environments, events
from core.actors import Actor
from monitoring.domain.source import DEFINED, Definition
from monitoring.models import Source


@transaction.atomic
def define(
    key: str, environment: str, values: Mapping[str, Any], *, actor: Actor, reason: str, now: datetime
) -> Source:
    """Make the source, or change it; nothing is written when nothing differs. It is pulled at once.

    Args:
        values: the fields of `monitoring.domain.source.Definition`; those left out keep what they have.

    Raises Invalid with the field, and NotFound for an unknown environment.
    """
    where = environments.get(environment)
    row = Source.objects.select_for_update().filter(environment=where, key=key).first()
    before = definition_of(row).as_dict() if row else {}
    after = Definition.read(key, {**before, **values}).as_dict()
    if row is not None and before == after:
        return row
    row = row or Source(key=key, environment=where)
    for field, value in {**after, "due_at": now, "error": "", "problems": {}, "failing_since": None}.items():
        setattr(row, field, value)
    row.save()
    events.record(
        "source.changed" if before else "source.created",
        subject=f"source:{key}",
        actor=actor,
        now=now,
        environment_id=where.pk,
        reason=reason,
        before=before,
        after=after,
    )
    return row


def definition_of(row: Source) -> Definition:
    return Definition(**{field: getattr(row, field) for field in DEFINED})
