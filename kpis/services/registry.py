"""Which KPIs there are: as the playbook has them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from core import events
from core.actors import Actor
from kpis.domain.definition import Definition
from kpis.models import Kpi


@transaction.atomic
def define(key: str, values: Mapping[str, Any], *, actor: Actor, reason: str, now: datetime) -> Kpi:
    """Create the KPI or bring it to these values; nothing is written when nothing differs.

    Args:
        values: of `Definition.read`, and its `position` on the board.

    Days that are recorded stay: they hold what was counted, not what was made of it. Where it is counted otherwise now,
    the days from the change on are. Raises Invalid with the field.
    """
    document = {name: value for name, value in values.items() if name != "position"}
    Definition.read(key, document)
    row = Kpi.objects.select_for_update().filter(key=key).first() or Kpi(key=key)
    before = values_of(row) if row.pk else {}
    row.document, row.position = document, int(values.get("position", row.position))
    after = values_of(row)
    if before == after:
        return row
    row.save()
    events.record(
        "kpi.changed" if before else "kpi.defined",
        subject=f"kpi:{key}",
        actor=actor,
        now=now,
        reason=reason,
        before=before,
        after=after,
    )
    return row


def values_of(row: Kpi) -> dict[str, Any]:
    """The KPI as the playbook has it: what an event and an export tell."""
    return {**row.document, "position": row.position}
