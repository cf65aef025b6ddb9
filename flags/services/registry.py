"""Which flags there are."""

from __future__ import annotations

import secrets
from datetime import datetime

from django.db import transaction

from core import environments, events
from core.actors import Actor
from core.errors import Conflict, Invalid
from flags.domain.bucketing import Bucketing
from flags.domain.keys import KEY_HELP, is_key
from flags.models import Flag, FlagState
from flags.services.locking import bump


@transaction.atomic
def define(
    key: str, *, name: str, description: str, bucketing: Bucketing, actor: Actor, reason: str, now: datetime
) -> Flag:
    """Create the flag, disabled at 0 percent in every environment, or change its name and description.

    A flag is also given a state in environments that came after it. Raises Conflict when `bucketing`
    differs from what the flag has: it decides which npubs come first and is never changed in place.
    """
    if not is_key(key):
        raise Invalid(KEY_HELP, field="key")
    flag = Flag.objects.select_for_update().filter(key=key).first()
    before = {} if flag is None else {"name": flag.name, "description": flag.description}
    if flag is None:
        salt = secrets.token_hex(8) if bucketing is Bucketing.MURMUR3 else ""
        flag = Flag(key=key, bucketing=bucketing.value, salt=salt, created_at=now)
    elif flag.bucketing != bucketing:
        raise Conflict(f"{key} uses {flag.bucketing}; another bucketing would move users. Make a new flag instead.")
    flag.name, flag.description = name, description
    after = {"name": name, "description": description}
    if before != after:
        flag.save()
        kind = "flag.renamed" if before else "flag.created"
        events.record(kind, subject=f"flag:{key}", actor=actor, now=now, reason=reason, before=before, after=after)
    _complete_states(flag, now=now)
    return flag


def _complete_states(flag: Flag, *, now: datetime) -> None:
    have = set(flag.states.values_list("environment_id", flat=True))
    for environment in environments.ordered():
        if environment.pk not in have:
            FlagState.objects.create(flag=flag, environment=environment, changed_at=now)
            bump(environment.pk, environment.key, now=now)
