"""A ramp and all it depends on, at one moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from monitoring.domain.verdict import Verdict
from rollouts.domain.hours import Hours
from rollouts.domain.states import RampState


def percent(share: Decimal) -> str:
    """25 % and not 25.00 %."""
    return f"{share.normalize():f} %"


@dataclass(frozen=True, slots=True)
class Step:
    """One step. `soak` is how long all triggers must have passed before it is taken."""

    position: int
    percentage: Decimal
    due_at: datetime
    soak: timedelta
    allow_list_only: bool = False
    taken_at: datetime | None = None

    @property
    def label(self) -> str:
        return f"step {self.position}, {'allow-list only' if self.allow_list_only else percent(self.percentage)}"


@dataclass(frozen=True, slots=True)
class FlagFacts:
    """The flag. `halted` tells of an emergency disable or rollback that nobody has undone yet, else empty."""

    enabled: bool
    percentage: Decimal
    halted: str = ""
    allowed: int = 0

    @property
    def share(self) -> Decimal:
        """The percentage that really has the feature."""
        return self.percentage if self.enabled else Decimal(0)

    @property
    def reaches_nobody(self) -> bool:
        """Neither by percentage nor by allow-list."""
        return not self.enabled or (self.percentage == 0 and self.allowed == 0)


@dataclass(frozen=True, slots=True)
class Watch:
    """What one trigger says of the flag.

    `judged_until` is the end of the last window it judged, `max_window` the longest that a window may be.
    From `passing_since` to `judged_until` every window passed.
    """

    trigger: str
    verdict: Verdict
    judged_until: datetime | None
    passing_since: datetime | None
    max_window: timedelta
    latched: bool = False


@dataclass(frozen=True, slots=True)
class Situation:
    """A ramp and all it depends on.

    `position` counts the steps taken or skipped. `left` is the flag as the ramp last left it (as it found
    it, before its first step). `soaking_since` is when the flag came to stand where it stands now. `frozen` tells of
    a freeze that holds in the environment now and when it ends, `blocked` why no ramp of the flag goes on, `lacks` what
    the flag needs and is not there, such as a migration; each else empty. Outside of `hours` the clock takes no step;
    None is any time. `alarm` is an alert about the flag that fires, where the monitoring level of the present step
    minds it, `risk` the level of the environment's risk where that is too high for a step; both else empty.
    """

    state: RampState
    steps: Sequence[Step]
    position: int
    left: FlagFacts
    soaking_since: datetime
    flag: FlagFacts
    watches: Sequence[Watch]
    guard_seen_at: datetime | None
    frozen: str = ""
    blocked: str = ""
    lacks: str = ""
    hours: Hours | None = None
    alarm: str = ""
    risk: str = ""

    @property
    def next(self) -> Step | None:
        return self.steps[self.position] if self.position < len(self.steps) else None

    @property
    def untouched(self) -> bool:
        """The ramp has not begun and nobody has the feature: there is no traffic that could be judged."""
        return self.flag.reaches_nobody and all(step.taken_at is None for step in self.steps)
