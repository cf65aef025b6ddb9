"""The register of risks: by the playbook, and by people."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from core import events
from core.actors import Actor
from core.errors import StaleVersion
from risk.domain.register import DEFINED, Entry
from risk.models import Risk


@transaction.atomic
def define(
    key: str, given: Mapping[str, Any], *, actor: Actor, reason: str, now: datetime, version: int | None = None
) -> Risk:
    """Register a risk, or change it; nothing is written when nothing differs.

    Args:
        given: the fields of `risk.domain.register.Entry`; those left out keep what they have.
        version: of the risk as the caller saw it; None: whatever it is.

    Raises Invalid with the field, StaleVersion when somebody else changed it meanwhile.
    """
    row = Risk.objects.select_for_update().filter(key=key).first()
    if row is not None and version is not None and row.version != version:
        raise StaleVersion(row.title, expected=version, actual=row.version)
    before = entry_of(row).as_dict() if row else {}
    after = Entry.read(key, {**before, **given}).as_dict()
    if row is not None and before == after:
        return row
    row = row or Risk(key=key, version=0)
    for field in DEFINED:
        setattr(row, field, after[field] or None if field == "review_on" else after[field])
    row.version += 1
    row.save()
    row.refresh_from_db()
    events.record(
        "risk.changed" if before else "risk.registered",
        subject=f"risk:{key}",
        actor=actor,
        now=now,
        reason=reason,
        before=before,
        after=after,
    )
    return row


def entry_of(row: Risk) -> Entry:
    stored = {field: getattr(row, field) for field in DEFINED}
    return Entry(**{**stored, "review_on": row.review_on.isoformat() if row.review_on else ""})
