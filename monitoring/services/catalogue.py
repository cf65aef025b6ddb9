"""The catalogue of metrics: defined by the playbook."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from core import events
from core.actors import Actor
from monitoring.domain.catalogue import DEFINED, Entry
from monitoring.models import Metric


@transaction.atomic
def define(key: str, values: Mapping[str, Any], *, actor: Actor, reason: str, now: datetime) -> Metric:
    """Make this row of the catalogue, or change it; nothing is written when nothing differs.

    Args:
        values: the fields of `monitoring.domain.catalogue.Entry`; those left out keep what they have.

    Raises Invalid with the field, also for a query that cannot be computed.
    """
    row = Metric.objects.select_for_update().filter(key=key).first()
    before = entry_of(row).as_dict() if row else {}
    after = Entry.read(key, {**before, **values}).as_dict()
    if row is not None and before == after:
        return row
    row = row or Metric(key=key)
    for field, value in {**after, "error": ""}.items():
        setattr(row, field, value)
    row.save()
    events.record(
        "metric.changed" if before else "metric.created",
        subject=f"metric:{key}",
        actor=actor,
        now=now,
        reason=reason,
        before=before,
        after=after,
    )
    return row


def entry_of(row: Metric) -> Entry:
    return Entry(**{field: getattr(row, field) for field in DEFINED})
