"""What the clock does with a ramp now: take its next step, wait, hold, or complete.

Everything is an argument, so every decision can be asked again later with the same answer. The rules, and
why they are so, are in docs/adr/0007-ramps.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from monitoring.domain.verdict import Verdict
from rollouts.domain.hours import Hours
from rollouts.domain.states import MOVING, RampState

GUARD_SILENCE = timedelta(seconds=60)  # the guard judges every 10 s; after this it counts as dead
VERDICT_MARGIN = timedelta(seconds=60)  # a window is judged at the latest this long after its end


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
    a freeze that holds in the environment now and when it ends, `blocked` why no ramp of the flag goes on; both else
    empty. Outside of `hours` the clock takes no step; None is any time. `alarm` is an alert about the flag
    that fires, where the monitoring level of the present step minds it, `risk` the level of the environment's risk
    where that is too high for a step; both else empty.
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


@dataclass(frozen=True, slots=True)
class Take:
    step: Step


@dataclass(frozen=True, slots=True)
class Wait:
    why: str


@dataclass(frozen=True, slots=True)
class Hold:
    why: str


@dataclass(frozen=True, slots=True)
class Complete:
    pass


Move = Take | Wait | Hold | Complete


def next_move(situation: Situation, *, now: datetime) -> Move:
    """Decide. Never more than one step; never a step back; never without PASS, except the first of an off flag."""
    if situation.state not in MOVING:
        return Wait(f"The ramp is {situation.state.value.replace('_', ' ')}.")
    changed = changed_by_others(situation)
    if changed:
        return Hold(changed)
    step = situation.next
    if step is None:
        return Complete()
    if step.percentage < situation.left.share:
        return Hold(f"{_capital(step.label)}, would go back from {percent(situation.left.share)}.")
    why = _not_yet(situation, step, now)
    return Wait(why) if why else Take(step)


def changed_by_others(situation: Situation) -> str:
    """How the flag differs from what the ramp left behind; empty when it does not."""
    flag, left = situation.flag, situation.left
    if flag.halted:
        return f"The flag was switched off: {flag.halted}"
    if flag.enabled != left.enabled:
        return f"Somebody else {'enabled' if flag.enabled else 'disabled'} the flag."
    if flag.percentage != left.percentage:
        return f"The flag stands at {percent(flag.percentage)}; this ramp left it at {percent(left.percentage)}."
    return ""


def in_danger(watches: Sequence[Watch]) -> str:
    """Why nobody, not even a person, raises the flag now; empty when nothing forbids it."""
    for watch in watches:
        if watch.latched:
            return f"Trigger {watch.trigger} has fired and guards nothing until a person re-arms it."
        if watch.verdict is Verdict.BREACH:
            return f"Trigger {watch.trigger} is in BREACH."
    return ""


def outside_hours(situation: Situation, now: datetime) -> str:
    """Until when the clock waits because of the time of day or week; empty when it need not."""
    return situation.hours.why_not(now) if situation.hours else ""


def too_risky(situation: Situation) -> str:
    """Why the risk of the environment forbids a step by the clock; empty when it does not."""
    return f"The risk here is {situation.risk}: the clock takes a step at MEDIUM or below." if situation.risk else ""


def _not_yet(situation: Situation, step: Step, now: datetime) -> str:
    if now < step.due_at:
        return f"{_capital(step.label)}, is due {_clock(step.due_at)}."
    closed = situation.blocked or situation.frozen or outside_hours(situation, now)
    if closed:
        return closed
    seen = situation.guard_seen_at
    if seen is None or now - seen > GUARD_SILENCE:
        return f"The guard {'has never run' if seen is None else f'was last seen {_clock(seen)}'}: nobody is watching."
    danger = in_danger(situation.watches) or too_risky(situation)
    if danger or situation.untouched:
        return danger
    if situation.alarm:
        return f"Alert {situation.alarm} fires about this flag, and the monitoring level of the present step minds it."
    return _unproven(situation, now) or _unsoaked(situation, step, now)


def _unproven(situation: Situation, now: datetime) -> str:
    """Why the verdicts do not show that the present percentage does no harm."""
    if not situation.watches:
        return "No trigger watches this flag here: a person has to advance it, with a reason."
    for watch in situation.watches:
        if watch.verdict is not Verdict.PASS or watch.judged_until is None or watch.passing_since is None:
            return _nothing_to_judge(watch, situation.flag)
        if now - watch.judged_until > watch.max_window + VERDICT_MARGIN:
            return f"Trigger {watch.trigger} was last judged up to {_clock(watch.judged_until)}: too old."
        if watch.judged_until <= situation.soaking_since:
            return f"Trigger {watch.trigger} has not judged anything since {_clock(situation.soaking_since)} yet."
    return ""


def _nothing_to_judge(watch: Watch, flag: FlagFacts) -> str:
    few = watch.verdict is Verdict.INSUFFICIENT
    what = f"Trigger {watch.trigger} has {'too few samples (INSUFFICIENT)' if few else 'no data (NO_DATA)'}"
    if flag.percentage > 0:
        return f"{what}, and that is never a pass: wait for traffic, or advance by hand, with a reason."
    if flag.allowed == 0:
        return f"{what}: nobody is on the allow-list. Add npubs to it, or advance by hand, with a reason."
    who = "1 npub of the allow-list has" if flag.allowed == 1 else f"{flag.allowed:,} npubs of the allow-list have"
    return (
        f"{what}. Only the {who} the feature, so there may never be enough: "
        "see how they fare, then advance by hand, with a reason."
    )


def _unsoaked(situation: Situation, step: Step, now: datetime) -> str:
    """What is missing until every trigger has passed for the step's soak, counted in judged time."""
    passing = max(watch.passing_since for watch in situation.watches if watch.passing_since)
    until = max(situation.soaking_since, passing) + step.soak
    if now < until:
        return f"Soaks until {_clock(until)}, if all triggers keep passing."
    for watch in situation.watches:
        if watch.judged_until is None or watch.judged_until < until:
            return f"Soaked until {_clock(until)}; trigger {watch.trigger} has yet to judge the end of it."
    return ""


def _clock(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} {at.tzname()}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
