"""What each level means, as the playbook says it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from core import events
from core.actors import Actor
from core.errors import Invalid
from incidents.domain.levels import Policy
from incidents.domain.states import Level
from incidents.models import LevelPolicy


@transaction.atomic
def define(key: str, values: Mapping[str, Any], *, actor: Actor, reason: str, now: datetime) -> None:
    """Bring `level1`, `level2` or `level3` to these values; nothing is written when nothing differs.

    Incidents that are open keep the action lists that they have. Raises Invalid as `Policy.read` does.
    """
    level = read_key(key)
    after = Policy.read(level, values).as_dict()
    row = LevelPolicy.objects.select_for_update().filter(level=level.value).first()
    before = row.values if row else {}
    if before == after:
        return
    LevelPolicy.objects.update_or_create(level=level.value, defaults={"values": after})
    events.record(
        "incident_level.changed" if before else "incident_level.created",
        subject=f"incident_level:{key}",
        actor=actor,
        now=now,
        reason=reason,
        before=before,
        after=after,
    )


def read_key(key: str) -> Level:
    number = key.removeprefix("level")
    if key != f"level{number}" or number not in ("1", "2", "3"):
        raise Invalid(f"There is no level {key!r}: level1, level2, level3.", field="level")
    return Level(int(number))
