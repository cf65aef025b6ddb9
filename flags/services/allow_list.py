"""The allow-list: who has a feature whatever the percentage."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from core.actors import Actor
from flags.domain.permit import Permit
from flags.services import lists
from flags.services.lists import ALLOW, Edit


def edit_allow_list(
    key: str,
    environment: str,
    *,
    add: Collection[str] = (),
    remove: Collection[str] = (),
    actor: Actor,
    reason: str,
    now: datetime,
    version: int | None = None,
    permit: Permit | None = None,
) -> Edit:
    """Add and remove npubs; `flags.services.lists.edit_list` says what is refused."""
    return lists.edit_list(
        ALLOW,
        key,
        environment,
        add=add,
        remove=remove,
        actor=actor,
        reason=reason,
        now=now,
        version=version,
        permit=permit,
    )
