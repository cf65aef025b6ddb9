"""On whose word an incident is critical. That opens the emergency lane, so no word alone may serve who gave it.

The functions change a locked incident; the caller saves it, unless they say otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import flags.selectors
from core.actors import Actor, ActorKind
from incidents.domain.states import Level
from incidents.models import Incident
from incidents.services.locking import picture, save


def vouch(row: Incident, actor: Actor) -> None:
    """A person, or a token that people made, says how bad it is. A machine gives no word."""
    if actor.kind in (ActorKind.PERSON, ActorKind.TOKEN):
        behind = flags.selectors.people_behind(actor, row.environment.key)
        row.vouchers = list(dict.fromkeys([*row.vouchers, *behind]))


def confirm(row: Incident, level: Level, *, why: str, actor: Actor, now: datetime, data: Mapping[str, Any]) -> None:
    """Figures or events say now what only people had said of a critical one; told once, and saved."""
    if level is Level.CRITICAL and row.level == Level.CRITICAL and not row.confirmed:
        before = picture(row)
        row.confirmed = True
        save(row, "level_confirmed", before, actor=actor, reason=why, now=now, data=data)
