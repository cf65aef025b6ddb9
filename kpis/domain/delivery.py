"""The four delivery metrics, from our own events, by the definitions that DORA publishes (dora.dev, "DORA metrics").

**Deployment**: a moment at which more users of an environment get something new. One of
a raise of a flag (`flag.enabled`, `flag.rollout_changed`, `flag.promoted` after which more users have it: also every
step of a ramp), raises of one flag that follow each other within ten minutes being one deployment;
a migration that was completed (`migration.completed`, upwards);
an activity of a plan that passed and begins with "Deploy " (`item.marked`).
An edit of an allow-list, of parameters or of targeting is none.

**Lead time for changes**: from the start of the change to its deployment. A flag's change starts when the flag is first
raised in the first environment of the promotion order after it was last taken back here, or when its request was
opened, whichever is earlier; a migration's when its run was asked for. It ends with its first deployment.

**Change failure rate**: deployments that failed, of all. One failed when within 24 hours of it its flag was rolled back
or switched off in an emergency, an incident about it was opened, or the migration or the application was rolled back.
A trouble counts against the newest deployment of its subject, and against no other.

**Time to restore**: of incidents, from their begin to when they were mitigated, else resolved.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from monitoring.domain.raised import FlagChange

FAILS_WITHIN = timedelta(hours=24)
ONE_DEPLOYMENT = timedelta(minutes=10)
RAISED = ("flag.enabled", "flag.rollout_changed", "flag.promoted")
TAKEN_BACK = ("flag.rolled_back", "flag.emergency_disabled")
MIGRATED, MIGRATION_BACK = "migration.completed", "migration.rolled_back"
MARKED, REVERTED = "item.marked", "rollback.completed"
UP, DOWN = "up", "down"
DEPLOYS, PASSED = "Deploy ", "passed"
APPLICATION = "application"
TELLING = (*RAISED, *TAKEN_BACK, MIGRATED, MIGRATION_BACK, MARKED, REVERTED)
BOUNDS = (  # of the distributions: DORA's steps from an hour on
    ("under 15 min", timedelta(minutes=15)),
    ("under 1 hour", timedelta(hours=1)),
    ("under 1 day", timedelta(days=1)),
    ("under 1 week", timedelta(weeks=1)),
    ("under 1 month", timedelta(days=30)),
)
LONGER = "longer"


@dataclass(frozen=True, slots=True)
class Happening:
    """An event, as far as the metrics need it."""

    number: int
    at: datetime
    kind: str
    subject: str
    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""

    @property
    def raises(self) -> bool:
        return self.kind in RAISED and self._change.raises

    @property
    def begins(self) -> bool:
        return self.kind in RAISED and self._change.begins

    @property
    def _change(self) -> FlagChange:
        return FlagChange(self.subject, self.before, self.after)


@dataclass(frozen=True, slots=True)
class Deployment:
    """`event` is what shows it. `begins`: it is the first of its change. `lead` is None where `why` tells why.

    `failed` says what went wrong after it; empty: nothing that is known. `number` is that of a migration.
    """

    event: int
    at: datetime
    subject: str
    what: str
    begins: bool
    number: str = ""
    request: int | None = None
    lead: timedelta | None = None
    why: str = ""
    failed: str = ""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that makes a deployment of its subject a failed one."""

    at: datetime
    subject: str
    what: str
    number: str = ""

    def is_about(self, deployment: Deployment) -> bool:
        same = deployment.number == self.number if self.number else deployment.subject == self.subject
        return same and deployment.at <= self.at


def deployments(happenings: Iterable[Happening]) -> list[Deployment]:
    """Every deployment that these events show, oldest first. They come oldest first."""
    found: list[Deployment] = []
    newest: dict[str, datetime] = {}
    for one in happenings:
        deployment = _deployment(one)
        if deployment is None:
            continue
        last = newest.get(deployment.subject)
        newest[deployment.subject] = deployment.at
        if last is None or deployment.at - last > ONE_DEPLOYMENT or deployment.begins:
            found.append(deployment)
    return found


def troubles(happenings: Iterable[Happening]) -> list[Trouble]:
    """What these events tell of things that were taken back."""
    found = []
    for one in happenings:
        if one.kind in TAKEN_BACK:
            what = "rolled back" if one.kind == "flag.rolled_back" else "switched off in an emergency"
            found.append(Trouble(one.at, one.subject, what))
        elif one.kind == MIGRATION_BACK:
            found.append(Trouble(one.at, one.subject, "rolled back"))
        elif one.kind == MIGRATED and one.data.get("direction") == DOWN:
            found.append(Trouble(one.at, one.subject, "taken back by another run", _number(one)))
        elif one.kind == REVERTED and one.data.get("component") in (APPLICATION, "all"):
            found.append(Trouble(one.at, APPLICATION, "the application was rolled back"))
    return found


def judged(found: Sequence[Deployment], trouble: Iterable[Trouble]) -> list[Deployment]:
    """The deployments, with those that failed told as such."""
    failed: dict[int, str] = {}
    for one in sorted(trouble, key=lambda each: each.at):
        about = [each for each in found if one.is_about(each)]
        last = max(about, key=lambda each: each.at, default=None)
        if last is not None and one.at - last.at <= FAILS_WITHIN:
            failed.setdefault(last.event, one.what)
    return [replace(each, failed=failed.get(each.event, "")) for each in found]


def led(
    deployment: Deployment, *, activated: Sequence[datetime], ended: Sequence[datetime], asked: datetime | None
) -> Deployment:
    """The deployment with its lead time, or with why it has none.

    Args:
        activated: when its flag was raised in the first environment.
        ended: when its flag was taken from everybody here.
        asked: when its request was opened; None: there was none.
    """
    if not deployment.begins:
        return replace(deployment, why="a further step of a change that is out already")
    last_end = max((at for at in ended if at < deployment.at), default=None)
    starts = [at for at in activated if at < deployment.at and (last_end is None or at > last_end)]
    starts += [asked] if asked is not None and asked <= deployment.at else []
    if not starts:
        return replace(deployment, why="its start is not known: neither raised in the first environment nor asked for")
    return replace(deployment, lead=deployment.at - min(starts))


def spread(times: Iterable[timedelta]) -> list[tuple[str, int]]:
    """How many there are of each length, the shortest first."""
    counted = dict.fromkeys([*(name for name, _ in BOUNDS), LONGER], 0)
    for one in times:
        counted[next((name for name, bound in BOUNDS if one < bound), LONGER)] += 1
    return list(counted.items())


def middle(times: Sequence[timedelta]) -> timedelta | None:
    """The median; None of nothing."""
    if not times:
        return None
    ordered = sorted(times)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def _number(one: Happening) -> str:
    return str(one.data.get("number", ""))


def _deployment(one: Happening) -> Deployment | None:
    if one.raises:
        request = one.data.get("request")
        asked = request if isinstance(request, int) else None
        what = f"{one.subject.partition(':')[2]} raised"
        return Deployment(one.number, one.at, one.subject, what, begins=one.begins, request=asked)
    if one.kind == MIGRATED and one.data.get("direction") == UP:
        what = f"migration {one.data.get('rule', '')}".strip()
        return Deployment(one.number, one.at, one.subject, what, begins=True, number=_number(one))
    passed = one.kind == MARKED and str(one.after.get("state", "")).lower() == PASSED
    if passed and one.reason.startswith(DEPLOYS):
        return Deployment(one.number, one.at, APPLICATION, one.reason.partition(":")[0], begins=False)
    return None
