"""The plan of the playbook, from which plans are started."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from core import events
from core.actors import Actor
from plans.domain.template import PlanSpec
from plans.models import PlanTemplate


@transaction.atomic
def define(key: str, document: Mapping[str, Any], *, actor: Actor, reason: str, now: datetime) -> PlanTemplate:
    """Create the template or bring it to this document; nothing is written when nothing differs.

    Plans that were started from it keep their own copy. Raises Invalid with the path to what is wrong.
    """
    spec = PlanSpec.read(document)
    row = PlanTemplate.objects.select_for_update().filter(key=key).first() or PlanTemplate(key=key)
    before = dict(row.document or {})
    if before == dict(document):
        return row
    row.name, row.document = spec.name, dict(document)
    row.save()
    events.record(
        "plan_template.changed" if before else "plan_template.created",
        subject=f"plan_template:{key}",
        actor=actor,
        now=now,
        reason=reason,
        before=before,
        after=row.document,
    )
    return row
