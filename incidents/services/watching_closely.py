"""While an incident is open, its flags can be looked at as often as at the intensive monitoring level."""

from __future__ import annotations

from datetime import datetime

import flags.selectors
import rollouts.selectors
from incidents import selectors
from incidents.models import Incident
from rollouts.services import levels


def begin(row: Incident, *, now: datetime) -> list[str]:
    """Look closely at every flag in question until the incident is over; their keys."""
    keys = flags_of(row)
    levels.watch_closely(row.environment_id, keys, by=_holder(row), now=now)
    return keys


def end(row: Incident) -> None:
    """Look at them as usual again."""
    levels.watch_as_usual(row.environment_id, by=_holder(row))


def flags_of(row: Incident) -> list[str]:
    """The flags that are linked; when none is, those that are on or ramp in the environment."""
    linked = selectors.linked(row, "flag")
    if linked:
        return linked
    ramping = [
        view.ramp.flag.key for view in rollouts.selectors.live() if view.ramp.environment_id == row.environment_id
    ]
    on = flags.selectors.states(row.environment.key).filter(enabled=True).values_list("flag__key", flat=True)
    return list(dict.fromkeys([*ramping, *on]))


def _holder(row: Incident) -> str:
    return f"incident:{row.pk}"
