"""How risky a change is, before it is made: points for what speaks against it, each with its reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from risk.domain.levels import Level
from risk.domain.score import level_of

NEAR_FREEZE = timedelta(hours=24)
LATE = 18  # o'clock: after it, and before EARLY, few are at work
EARLY = 7
FRIDAY = 4


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a raise.

    `before` and `after` are percent of the users. `local` is the time in the environment's zone. `money_path`: a
    trigger that rolls back guards the flag. `firing` and `latched` are names; `freeze_at`: when the next freeze begins.
    """

    before: float
    after: float
    local: datetime
    money_path: bool = False
    firing: Sequence[str] = ()
    latched: Sequence[str] = ()
    risk: Level | None = None
    freeze_at: datetime | None = None
    approvals: int = 0


@dataclass(frozen=True, slots=True)
class Point:
    points: float
    why: str


@dataclass(frozen=True, slots=True)
class ChangeRisk:
    """`score` is 0 to 100, the sum of the points."""

    score: float
    level: Level
    points: Sequence[Point]


def assess(facts: Facts) -> ChangeRisk:
    """The points of a change; one that raises nothing has none."""
    jump = facts.after - facts.before
    if jump <= 0:
        return ChangeRisk(0.0, Level.LOW, ())
    points = [Point(*one) for one in _points(facts, jump) if one[0]]
    score = max(0.0, min(100.0, sum(point.points for point in points)))
    return ChangeRisk(score, level_of(score), points)


def _points(facts: Facts, jump: float) -> list[tuple[float, str]]:
    found = [(min(40.0, 0.4 * jump), f"{jump:g} more of 100 users get it at once.")]
    if facts.money_path:
        found.append((10.0, "A trigger guards this flag: it is on the path of payments."))
    if facts.latched:
        found.append((30.0, f"Fired and not re-armed: {', '.join(facts.latched)}."))
    if facts.firing:
        found.append((min(30.0, 15.0 * len(facts.firing)), f"Alerts fire: {', '.join(facts.firing[:3])}."))
    if facts.risk is None:
        found.append((10.0, "Nobody knows the present risk: there is no data."))
    else:
        found.append((_OF_LEVEL.get(facts.risk, 0.0), f"The risk is {facts.risk}."))
    if facts.freeze_at is not None and facts.freeze_at - facts.local <= NEAR_FREEZE:
        begins = facts.freeze_at.astimezone(facts.local.tzinfo)
        found.append((10.0, f"A freeze begins {begins:%a %H:%M}: little time is left to watch it."))
    found.append(_hour(facts.local))
    if facts.approvals:
        found.append((-5.0 * min(2, facts.approvals), f"{facts.approvals} people have approved it."))
    return found


_OF_LEVEL = {Level.MEDIUM: 10.0, Level.HIGH: 25.0, Level.CRITICAL: 40.0}


def _hour(local: datetime) -> tuple[float, str]:
    if local.weekday() > FRIDAY:
        return 15.0, "It is weekend: few are there to look."
    if local.hour >= LATE or local.hour < EARLY:
        return 10.0, f"It is {local:%H:%M %Z}: few are there to look."
    if local.weekday() == FRIDAY and local.hour >= 14:
        return 10.0, "It is Friday afternoon."
    return 0.0, ""
