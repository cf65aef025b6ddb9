"""What happens next in an environment, of all kinds, in the order of time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

AHEAD = timedelta(days=31)


class Kind(StrEnum):
    STEP = "step"
    HELD = "held ramp"
    FREEZE = "freeze"
    THAW = "freeze ends"
    CHANGE = "change"
    MAINTENANCE = "maintenance"
    ITEM = "checklist"
    ESCALATION = "escalation"


ICONS = {
    Kind.STEP: "stairs",
    Kind.HELD: "pause_circle",
    Kind.FREEZE: "ac_unit",
    Kind.THAW: "ac_unit",
    Kind.CHANGE: "approval_delegation",
    Kind.MAINTENANCE: "engineering",
    Kind.ITEM: "checklist",
    Kind.ESCALATION: "campaign",
}


@dataclass(frozen=True, slots=True)
class Coming:
    """One thing that is due. `at` is None for what has no time: it waits until a person lets it go on.

    `waits` says why it does not happen although its time has come; `permission` is what the page at `url` asks for.
    """

    kind: Kind
    text: str
    at: datetime | None
    url: str
    permission: str
    waits: str = ""

    @property
    def icon(self) -> str:
        return ICONS[self.kind]


def ordered(found: Iterable[Coming], *, now: datetime) -> list[Coming]:
    """What is due within a month, the next first; what has no time comes last."""
    near = [one for one in found if one.at is None or one.at <= now + AHEAD]
    last = now + AHEAD
    return sorted(near, key=lambda one: (one.at is None, one.at or last))
