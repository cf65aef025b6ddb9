"""Where nctool runs in each environment, as the playbook says."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

from django.db import transaction

from core import environments, events
from core.actors import Actor
from core.errors import Invalid
from rollbacks.domain.place import FORMS
from rollbacks.models import Application


@transaction.atomic
def define(environment: str, values: Mapping[str, str], *, actor: Actor, reason: str, now: datetime) -> Application:
    """Say where nctool runs there; nothing is written when nothing differs. Invalid with the field that is wrong."""
    where = environments.get(environment)
    for field, form in FORMS.items():
        if not re.match(form, values.get(field, ""), re.ASCII):
            raise Invalid(f"{field} {values.get(field, '')!r} is no name that Kubernetes knows.", field=field)
    row = Application.objects.select_for_update(of=("self",)).filter(environment=where).first()
    row = row or Application(environment=where)
    before = as_dict(row) if row.pk else {}
    for field in FORMS:
        setattr(row, field, values[field])
    if as_dict(row) != before:
        row.save()
        events.record(
            "application.changed" if before else "application.created",
            subject=f"application:{environment}",
            actor=actor,
            now=now,
            environment_id=where.pk,
            reason=reason,
            before=before,
            after=as_dict(row),
        )
    return row


def as_dict(row: Application) -> dict[str, str]:
    return {field: getattr(row, field) for field in FORMS}
