"""Which flags there are: what a playbook, a demo or a test wants to be there."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from core.actors import Actor
from core.errors import Conflict
from flags.domain.bucketing import Bucketing
from flags.domain.definition import DefinitionChange, Variants
from flags.domain.permit import Permit
from flags.models import Flag
from flags.services import definition


@transaction.atomic
def define(
    key: str,
    *,
    name: str,
    description: str,
    bucketing: Bucketing,
    actor: Actor,
    reason: str,
    now: datetime,
    group: str | None = None,
    value_type: str | None = None,
    variants: Variants | None = None,
    parameter_schema: Mapping[str, Any] | None = None,
    permit: Permit | None = None,
) -> Flag:
    """Create the flag, disabled at 0 percent in every environment, or change what differs of it.

    What is None stays as it is. A flag is also given a state in environments that came after it. Raises Conflict
    when `bucketing` differs from what the flag has: it decides which npubs come first, so a person changes it, with
    the figures of who moves; otherwise as `definition.create` and `definition.change`.
    """
    wanted = DefinitionChange(
        name=name,
        description=description,
        group=group,
        value_type=value_type,
        variants=variants,
        parameter_schema=parameter_schema,
    )
    flag = Flag.objects.filter(key=key).first()
    if flag is None:
        wanted = DefinitionChange(**wanted.to_dict(), bucketing=bucketing.value)
        return definition.create(key, wanted, actor=actor, reason=reason, now=now)
    if flag.bucketing != bucketing:
        raise Conflict(f"{key} uses {flag.bucketing}; another bucketing would move users. Make a new flag instead.")
    flag = definition.change(key, wanted, actor=actor, reason=reason, now=now, permit=permit)
    definition.complete_states(flag, now=now)
    return flag
