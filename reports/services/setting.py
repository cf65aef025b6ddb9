"""How weekly reports are made, as the playbook says it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from core import environments, events
from core.actors import Actor
from core.errors import Invalid
from reports.domain.setup import Setup
from reports.models import ReportSetup


@transaction.atomic
def define(values: Mapping[str, Any], *, actor: Actor, reason: str, now: datetime) -> None:
    """Bring the setup to these values; nothing is written when nothing differs.

    Raises Invalid as `Setup.read` does, and for an environment that there is not.
    """
    after = Setup.read(values).as_dict()
    known = set(environments.ordered().values_list("key", flat=True))
    unknown = [key for key in after["environments"] if key not in known]
    if unknown:
        raise Invalid(f"There is no environment {unknown[0]!r}.", field="environments")
    row = ReportSetup.objects.select_for_update().filter(key="weekly").first()
    before = row.values if row else {}
    if before == after:
        return
    ReportSetup.objects.update_or_create(
        key="weekly", defaults={"values": after}, create_defaults={"values": after, "since": now}
    )
    events.record(
        "report.setup_changed", subject="report:weekly", actor=actor, now=now, reason=reason, before=before, after=after
    )
