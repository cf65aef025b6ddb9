"""A change as data turned back into the call of the service that does it: one row for each kind."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import rollouts.selectors
from core.actors import Actor
from core.asking import Change
from core.errors import Invalid
from flags.domain.change import StateChange
from flags.domain.definition import DefinitionChange
from flags.domain.permit import Permit
from flags.services import (
    approval_rules,
    definition,
    lists,
    promotion,
    rollout,
    segments,
    targeting,
)
from rollouts.services import starting, steering


@dataclass(frozen=True, slots=True)
class By:
    """Who does it, why and when; `permit` when it was approved as a whole."""

    actor: Actor
    reason: str
    now: datetime
    permit: Permit | None = None

    @property
    def told(self) -> dict[str, Any]:
        """What every service takes."""
        return {"actor": self.actor, "reason": self.reason, "now": self.now, "permit": self.permit}


def perform(environment: str, changes: Iterable[Change], by: By) -> None:
    """Do the changes in their order, in the caller's transaction. Raises whatever a service refuses."""
    for change in changes:
        _ROWS[change.kind](environment, change, by)


def _state(environment: str, change: Change, by: By) -> None:
    rollout.change(change.flag, environment, StateChange(**change.payload), **by.told)


def _allow_list(environment: str, change: Change, by: By) -> None:
    lists.edit_allow_list(change.flag, environment, **change.payload, **by.told)


def _deny_list(environment: str, change: Change, by: By) -> None:
    lists.edit_deny_list(change.flag, environment, **change.payload, **by.told)


def _targeting(environment: str, change: Change, by: By) -> None:
    targeting.set_targeting(change.flag, environment, change.payload["targeting"], **by.told)


def _definition(environment: str, change: Change, by: By) -> None:
    """Of a flag everywhere: the environment of the request is the one whose rules are asked first."""
    definition.change(change.flag, DefinitionChange.from_dict(change.payload), **by.told)


def _segment(environment: str, change: Change, by: By) -> None:
    payload = {**change.payload}
    segments.define(payload.pop("key"), environment, **payload, **by.told)


def _promotion(environment: str, change: Change, by: By) -> None:
    promotion.place_payload(change.flag, environment, change.payload, **by.told)


def _rules(environment: str, change: Change, by: By) -> None:
    approval_rules.define(environment, change.payload, **by.told)


def _ramp_start(environment: str, change: Change, by: By) -> None:
    payload = change.payload
    _check_flag(change, rollouts.selectors.template(payload["template"]).flag.key)
    starts_at = starting.read_time(payload.get("starts_at"))
    starting.start(
        payload["template"],
        environment,
        starts_at=None if starts_at is None else max(starts_at, by.now),
        pace=payload.get("pace"),
        soak=payload.get("soak"),
        hours=payload.get("hours"),
        **by.told,
    )


def _ramp_resume(environment: str, change: Change, by: By) -> None:
    _check_ramp(environment, change)
    steering.resume(change.payload["ramp"], **by.told)


def _ramp_advance(environment: str, change: Change, by: By) -> None:
    _check_ramp(environment, change)
    steering.advance(change.payload["ramp"], **by.told)


def _check_ramp(environment: str, change: Change) -> None:
    _check_flag(change, rollouts.selectors.get(change.payload["ramp"], environment=environment).flag.key)


def _check_flag(change: Change, flag: str) -> None:
    if change.flag != flag:
        raise Invalid(f"This ramp is one of {flag}, not of {change.flag}.", field="flag")


_ROWS: Mapping[str, Callable[[str, Change, By], None]] = {
    "flag.state": _state,
    "flag.allow_list": _allow_list,
    "flag.deny_list": _deny_list,
    "flag.targeting": _targeting,
    "flag.definition": _definition,
    "flag.promotion": _promotion,
    "segment": _segment,
    "ramp.start": _ramp_start,
    "ramp.resume": _ramp_resume,
    "ramp.advance": _ramp_advance,
    "rules": _rules,
}
