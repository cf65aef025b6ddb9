"""What must be true before the clock takes the next step of a ramp: a list, in the order in which it is looked at.

The rules, and why they are so, are in docs/adr/0007-ramps.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.moments import span
from core.requirements import Requirement, Standing
from monitoring.domain.verdict import Verdict
from rollouts.domain.situation import FlagFacts, Situation, Step, Watch

GUARD_SILENCE = timedelta(seconds=60)  # the guard judges every 10 s; after this it counts as dead
BY_HAND = "Wait, or advance by hand, with a reason."
VERDICT_MARGIN = timedelta(seconds=60)  # a window is judged at the latest this long after its end


@dataclass(frozen=True, slots=True)
class Soak:
    """How long every trigger has passed at the present percentage, in judged time, of how long it has to."""

    passed: timedelta
    needed: timedelta
    until: datetime

    @property
    def percent(self) -> int:
        """0 to 100, rounded down: 100 only when it is over."""
        return int(100 * (self.passed / self.needed)) if self.needed else 100


def before_step(situation: Situation, step: Step, *, now: datetime) -> Iterator[Requirement]:
    """Everything that must be true, what is met included.

    Before its first step a flag that nobody has is judged by nothing: there is no traffic that could show harm.
    """
    yield _due(step, now)
    yield _free(
        "plan",
        "The plan has come to it",
        situation.blocked,
        "No plan keeps it.",
        "Start the phase, or find what fails, on the plan's board.",
    )
    yield _free(
        "needs", "What the flag needs is there", situation.lacks, "Nothing is missing.", "Apply it, under Migrations."
    )
    yield _free("freeze", "No freeze", situation.frozen, "No freeze holds.", "Wait for its end, or have it lifted.")
    closed = situation.hours.why_not(now) if situation.hours else ""
    yield _free("hours", "Within its hours", closed, f"Steps are taken {situation.hours or 'at any time'}.", BY_HAND)
    yield _guarded(situation, now)
    danger = in_danger(situation.watches)
    yield _free(
        "danger", "No trigger fires", danger, "None has fired or is in BREACH.", "Find the cause, then re-arm it."
    )
    risky = f"The risk here is {situation.risk}: the clock takes a step at MEDIUM or below." if situation.risk else ""
    yield _free("risk", "Risk at most MEDIUM", risky, "It is not higher.", "See the risk page for its factors.")
    if not situation.untouched:
        yield _calm(situation)
        unproven = _unproven(situation, now)
        yield _proven(unproven, situation)
        yield _soaked(situation, step, now, unproven=unproven)


def in_danger(watches: Sequence[Watch]) -> str:
    """Why nobody, not even a person, raises the flag now; empty when nothing forbids it."""
    for watch in watches:
        if watch.latched:
            return f"Trigger {watch.trigger} has fired and guards nothing until a person re-arms it."
        if watch.verdict is Verdict.BREACH:
            return f"Trigger {watch.trigger} is in BREACH."
    return ""


def soak_of(situation: Situation, step: Step) -> Soak | None:
    """How far the soak before the step is; None while some trigger does not pass, and where nothing has to soak."""
    passing = [watch.passing_since for watch in situation.watches if watch.passing_since]
    judged = [watch.judged_until for watch in situation.watches if watch.judged_until]
    if situation.untouched or not passing or not len(passing) == len(judged) == len(situation.watches):
        return None
    began = max(situation.soaking_since, *passing)
    passed = min(max(min(judged) - began, timedelta(0)), step.soak)
    return Soak(passed, step.soak, began + step.soak)


def _due(step: Step, now: datetime) -> Requirement:
    why = f"{capital(step.label)}, {'was' if now >= step.due_at else 'is'} due {_clock(step.due_at)}."
    remedy = f"{BY_HAND} Or move the step."
    return Requirement("due", "Its time has come", _met(now >= step.due_at), why, remedy)


def _free(key: str, title: str, why: str, otherwise: str, remedy: str) -> Requirement:
    return Requirement(key, title, _met(not why), why or otherwise, remedy)


def _guarded(situation: Situation, now: datetime) -> Requirement:
    seen, title = situation.guard_seen_at, "The guard watches"
    if seen is not None and now - seen <= GUARD_SILENCE:
        return Requirement("guard", title, Standing.MET, f"It was last seen {_clock(seen)}.")
    why = f"The guard {'has never run' if seen is None else f'was last seen {_clock(seen)}'}: nobody is watching."
    return Requirement("guard", title, Standing.UNKNOWN, why, "Start the worker and beat.", seen)


def _calm(situation: Situation) -> Requirement:
    fires = f"Alert {situation.alarm} fires about this flag, and the monitoring level of the present step minds it."
    why = fires if situation.alarm else ""
    return _free("alarm", "No alert about the flag", why, "None fires that the present step minds.", "See the alert.")


def _proven(unproven: str, situation: Situation) -> Requirement:
    """What nobody measured is unknown, never a pass."""
    title = "Every trigger passes"
    if unproven:
        return Requirement("verdicts", title, Standing.UNKNOWN, unproven, BY_HAND)
    since = max(watch.passing_since for watch in situation.watches if watch.passing_since)
    count = len(situation.watches)
    return Requirement("verdicts", title, Standing.MET, f"{count} of {count} pass, judged lately.", since=since)


def _soaked(situation: Situation, step: Step, now: datetime, *, unproven: str) -> Requirement:
    soak = None if unproven else soak_of(situation, step)
    title = f"Soaked for {span(step.soak)}"
    if soak is None:
        return Requirement("soak", title, Standing.UNMET, "It begins with the next PASS of every trigger.", BY_HAND)
    why = _unsoaked(situation, soak, now)
    passed = f"Every trigger has passed for {span(soak.passed)} of it."
    return Requirement("soak", title, _met(not why), why or passed, f"{passed} {BY_HAND}", soak.until - soak.needed)


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
    if watch.verdict is Verdict.BREACH:
        return f"Trigger {watch.trigger} is in BREACH."
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


def _unsoaked(situation: Situation, soak: Soak, now: datetime) -> str:
    """What is missing until every trigger has passed for the whole soak, counted in judged time."""
    if now < soak.until:
        return f"Soaks until {_clock(soak.until)}, if all triggers keep passing."
    for watch in situation.watches:
        if watch.judged_until is None or watch.judged_until < soak.until:
            return f"Soaked until {_clock(soak.until)}; trigger {watch.trigger} has yet to judge the end of it."
    return ""


def capital(text: str) -> str:
    """`Step 3`, from `step 3`."""
    return text[:1].upper() + text[1:]


def _clock(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} {at.tzname()}"


def _met(met: bool) -> Standing:  # noqa: FBT001 - one fact
    return Standing.MET if met else Standing.UNMET
