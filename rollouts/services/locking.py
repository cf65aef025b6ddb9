"""Hold a ramp and its flag, save it, and tell of it. Always the ramp first, then the flag."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from core import events
from core.actors import Actor
from core.errors import NotFound, StaleVersion
from flags.services import locking as flag_locking
from rollouts import selectors
from rollouts.domain.situation import Situation
from rollouts.domain.states import LIVE, MACHINE, RampState
from rollouts.models import Ramp, RampStep
from rollouts.services import levels

if TYPE_CHECKING:
    from flags.models import FlagState

SAVED = [
    "state",
    "position",
    "version",
    "base_enabled",
    "base_percentage",
    "soaking_since",
    "hold_reason",
    "held_at",
    "waiting_for",
    "ended_at",
    "followed_event",
]


@dataclass(slots=True)
class Held:
    """A locked ramp with its steps and its locked flag: nobody else changes them until the transaction ends.

    `before` is the ramp as the last event told it.
    """

    ramp: Ramp
    steps: list[RampStep]
    flag: FlagState
    before: dict[str, Any]

    def situation(self, now: datetime) -> Situation:
        return selectors.situation(self.ramp, self.steps, self.flag, now=now)

    @property
    def next(self) -> RampStep | None:
        return self.steps[self.ramp.position] if self.ramp.position < len(self.steps) else None


def lock(ramp_id: int, *, version: int | None = None) -> Held:
    """Lock the ramp, then its flag. Raises NotFound, and StaleVersion when the ramp moved on since `version`."""
    ramp = Ramp.objects.select_for_update(of=("self",)).select_related("flag", "environment").filter(pk=ramp_id).first()
    if ramp is None:
        raise NotFound(f"There is no ramp {ramp_id}.")
    if version is not None and version != ramp.version:
        raise StaleVersion(f"Ramp {ramp_id}", expected=version, actual=ramp.version)
    flag = flag_locking.hold(ramp.flag.key, ramp.environment.key)
    return Held(ramp, list(ramp.steps.all()), flag, picture(ramp))


def move(ramp: Ramp, target: RampState, *, now: datetime) -> None:
    """Set the state along the table of moves; IllegalMove when there is none."""
    ramp.state = MACHINE.move(RampState(ramp.state), target).value
    ramp.ended_at = None if target in LIVE else now
    if target is not RampState.HELD:
        ramp.hold_reason, ramp.held_at = "", None
    ramp.waiting_for = ""


def save(
    held: Held, kind: str, *, actor: Actor, reason: str, now: datetime, data: Mapping[str, Any] | None = None
) -> None:
    """Store the ramp as its next version, with one event that tells before and after."""
    held.ramp.version += 1
    held.ramp.save(update_fields=SAVED)
    levels.ask_attention(held.ramp, now=now)
    after = picture(held.ramp)
    events.record(
        kind,
        subject=f"ramp:{held.ramp.pk}",
        actor=actor,
        now=now,
        environment_id=held.ramp.environment_id,
        reason=reason,
        before=held.before,
        after=after,
        data={"flag": held.ramp.flag.key, "ramp": held.ramp.pk, **(data or {})},
    )
    held.before = after


def picture(ramp: Ramp) -> dict[str, Any]:
    """The ramp as an event tells it."""
    return {"state": ramp.state, "position": ramp.position, "hold_reason": ramp.hold_reason}
