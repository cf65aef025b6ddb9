"""What must be true before a phase may start or be completed: a list, each with its state and what would satisfy it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from core.errors import Conflict
from core.requirements import Requirement, Standing
from plans.domain.states import PhaseState, PlanState
from risk.domain.levels import Level

LEVELS = tuple(Level)
FRESH = timedelta(minutes=5)  # an assessment of the risk; it is made every minute
NEVER_WAIVED = ("plan", "approval")
GUARD_SILENCE = timedelta(seconds=60)  # the guard judges every 10 s; after this it counts as dead


@dataclass(frozen=True, slots=True)
class ChecklistFact:
    """How many of the items of a checklist are passed or skipped. `unknown` are measured ones without data."""

    key: str
    title: str
    done: int
    total: int
    failed: int = 0
    unknown: int = 0
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class TriggerFact:
    """A trigger that was judged here lately: whether it passes, and why not."""

    name: str
    passes: bool
    why: str


@dataclass(frozen=True, slots=True)
class WaiverFact:
    by: str
    reason: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Needs:
    """What a phase asks for, as its plan has it.

    Args:
        after: phases that must be completed before.
        checklists: those that must be done.
        flags: those that everybody must have.
        risk: the highest level at which it may start; None: whatever the risk is.
        validation: hours within which a deployment must have been validated with success; 0: it need not be.
        approval: another person must have approved it.
    """

    after: Sequence[str] = ()
    checklists: Sequence[str] = ()
    flags: Sequence[str] = ()
    risk: Level | None = None
    validation: int = 0
    approval: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """What is so now.

    `triggers` are those that have fired or are in BREACH, in words; `judged` are all with a verdict by their keys, also
    those that only observe. `validated`: when the newest validation ended, and
    whether with success. `approved_by`: who approved the phase. `flags`: the percentage that really has each.
    """

    plan: PlanState
    phases: Mapping[str, tuple[str, PhaseState]] = field(default_factory=dict)
    checklists: Mapping[str, ChecklistFact] = field(default_factory=dict)
    risk: tuple[Level | None, datetime] | None = None
    validated: tuple[bool, datetime] | None = None
    guard_seen_at: datetime | None = None
    triggers: Sequence[str] = ()
    judged: Mapping[str, TriggerFact] = field(default_factory=dict)
    frozen: str = ""
    flags: Mapping[str, Decimal] = field(default_factory=dict)
    approved_by: str = ""
    waivers: Mapping[str, WaiverFact] = field(default_factory=dict)


def before_start(needs: Needs, facts: Facts, *, now: datetime) -> list[Requirement]:
    """Everything that must be true before a phase starts, what is not met included."""
    found = [
        _plan(facts),
        *(_phase(key, facts) for key in needs.after),
        *(_checklist(key, facts) for key in needs.checklists),
        *(_flag(key, facts) for key in needs.flags),
        _quiet(facts, now),
        _thawed(facts),
    ]
    if needs.risk is not None:
        found.append(_risk(needs.risk, facts, now))
    if needs.validation:
        found.append(_validation(needs.validation, facts, now))
    if needs.approval:
        found.append(_approval(facts))
    return [_waived(each, facts, now) for each in found]


def before_completion(
    lists: Sequence[str], ramps: Mapping[str, bool], triggers: Sequence[str], facts: Facts, *, now: datetime
) -> list[Requirement]:
    """Everything that must be true before a phase is completed.

    Args:
        lists: its success criteria, activities and checklists.
        ramps: its ramps by name, and whether each is completed in this environment.
        triggers: its rollback triggers. One without a verdict is none: what has to be shown stands in the criteria.
    """
    found = [_plan(facts), *(_checklist(key, facts) for key in lists), *_ramps(ramps), *_triggers(triggers, facts)]
    return [_waived(each, facts, now) for each in found]


def waivable(requirement: Requirement) -> bool:
    """An approver may let it pass. What nobody measured never is, nor a pause, nor the word of another person."""
    return requirement.standing is Standing.UNMET and requirement.key not in NEVER_WAIVED


def require(requirements: Sequence[Requirement], what: str) -> None:
    """Raises Conflict that names everything that is not met."""
    missing = [f"{each.title}: {each.why}" for each in requirements if not each.open]
    if missing:
        raise Conflict(f"{what} is not possible yet. {' '.join(missing)}")


def _plan(facts: Facts) -> Requirement:
    running = facts.plan is PlanState.RUNNING
    why = f"The plan is {facts.plan.value}."
    return Requirement("plan", "The plan runs", _standing(running), why, "Resume the plan.")


def _phase(key: str, facts: Facts) -> Requirement:
    name, state = facts.phases[key]
    done = state is PhaseState.COMPLETED
    why = f"It is {state.value.replace('_', ' ')}."
    return Requirement(f"phase:{key}", f"{name} is completed", _standing(done), why, f"Complete {name}.")


def _checklist(key: str, facts: Facts) -> Requirement:
    found = facts.checklists[key]
    why = f"{found.done} of {found.total} done"
    if found.failed:
        why += f", {found.failed} failed"
    if found.unknown:
        why += f", {found.unknown} without data"
    missing = found.total - found.done
    unknown = bool(found.unknown) and found.unknown == missing
    standing = Standing.UNKNOWN if unknown else _standing(missing == 0)
    remedy = "See that it is measured." if unknown else "Do what is left, or skip it with a reason."
    return Requirement(f"checklist:{key}", found.title, standing, f"{why}.", remedy, found.since)


def _flag(key: str, facts: Facts) -> Requirement:
    title, share = f"Everybody has {key}", facts.flags.get(key)
    if share is None:
        why, remedy = "There is no such flag here.", "Load the playbook that has it."
        return Requirement(f"flag:{key}", title, Standing.UNKNOWN, why, remedy)
    why = f"{share.normalize():f} % have it."
    return Requirement(f"flag:{key}", title, _standing(share == 100), why, "Raise it to 100 % first.")


def _quiet(facts: Facts, now: datetime) -> Requirement:
    title, seen = "The guard is calm", facts.guard_seen_at
    if seen is None or now - seen > GUARD_SILENCE:
        return Requirement(
            "guard", title, Standing.UNKNOWN, "The guard has not judged for a minute.", "Start the worker."
        )
    if facts.triggers:
        why = f"{'; '.join(facts.triggers)}."
        return Requirement("guard", title, Standing.UNMET, why, "Find the cause, then re-arm the trigger.")
    return Requirement("guard", title, Standing.MET, "No trigger has fired or is in breach.")


def _thawed(facts: Facts) -> Requirement:
    why = facts.frozen or "No freeze holds."
    return Requirement("freeze", "No freeze", _standing(not facts.frozen), why, "Wait for its end, or have it lifted.")


def _risk(most: Level, facts: Facts, now: datetime) -> Requirement:
    title = f"Risk at most {most.value}"
    level, at = facts.risk or (None, None)
    if level is None or at is None or now - at > FRESH:
        why = "The risk is not known: too few of its factors are measured."
        return Requirement("risk", title, Standing.UNKNOWN, why, "See that nctool's metrics come.")
    met = LEVELS.index(level) <= LEVELS.index(most)
    return Requirement("risk", title, _standing(met), f"It is {level.value}.", "See the risk page for its factors.", at)


def _validation(hours: int, facts: Facts, now: datetime) -> Requirement:
    title, remedy = f"Validated within {hours} h", "Run a validation."
    if facts.validated is None:
        return Requirement("validation", title, Standing.UNMET, "It was never validated.", remedy)
    success, at = facts.validated
    if not success:
        return Requirement("validation", title, Standing.UNMET, "The newest validation failed.", remedy, at)
    fresh = now - at <= timedelta(hours=hours)
    why = "It succeeded." if fresh else "The newest one is too old."
    return Requirement("validation", title, _standing(fresh), why, remedy, at)


def _approval(facts: Facts) -> Requirement:
    why = f"By {facts.approved_by}." if facts.approved_by else "Nobody has approved it."
    remedy = "An approver approves it; another person starts it."
    return Requirement("approval", "Approved by another person", _standing(bool(facts.approved_by)), why, remedy)


def _ramps(ramps: Mapping[str, bool]) -> Iterator[Requirement]:
    for name, done in ramps.items():
        why = "It is completed." if done else "It is not completed here."
        yield Requirement(f"ramp:{name}", f"Ramp {name}", _standing(done), why, "Start it, and let it reach its end.")


def _triggers(keys: Sequence[str], facts: Facts) -> Iterator[Requirement]:
    for key in keys:
        found = facts.judged.get(key)
        if found is not None:
            remedy = "Roll the phase back, or find the cause."
            yield Requirement(f"trigger:{key}", f"Not so: {found.name}", _standing(found.passes), found.why, remedy)


def _waived(requirement: Requirement, facts: Facts, now: datetime) -> Requirement:
    waiver = facts.waivers.get(requirement.key)
    if waiver is None or not waivable(requirement) or waiver.expires_at <= now:
        return requirement
    why = f"{requirement.why} Waived by {waiver.by}: {waiver.reason}"
    return Requirement(requirement.key, requirement.title, Standing.WAIVED, why, requirement.remedy, requirement.since)


def _standing(met: bool) -> Standing:  # noqa: FBT001 - one fact
    return Standing.MET if met else Standing.UNMET
