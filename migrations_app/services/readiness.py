"""Whether an environment's database is ready for a migration, and the word of an approver that lets a check pass."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction

from core import environments, events
from core.actors import Actor, ActorKind
from core.errors import Conflict, Refused
from core.texts import check_text, need_reason
from migrations_app.adapters import facts as asking
from migrations_app.adapters.mongo import Unreachable
from migrations_app.adapters.target import Target, connect
from migrations_app.domain import readiness as domain
from migrations_app.domain.facts import Asked, Estimates, Facts
from migrations_app.domain.migration import Migration, Phase, PhaseName
from migrations_app.domain.operations import DropIndex, EnsureIndex
from migrations_app.domain.readiness import Readiness
from migrations_app.domain.readiness_checks import Needs
from migrations_app.models import ReadinessWaiver
from migrations_app.selectors import readiness as selectors

need_ready = domain.need_ready
LATELY = timedelta(minutes=1)
_LATELY: dict[str, Readiness] = {}


def look(
    environment: str,
    migration: Migration | None = None,
    phases: Sequence[PhaseName | str] | None = None,
    *,
    now: datetime,
    target: Target | None = None,
) -> Readiness:
    """Ask the database, for seconds: not inside a transaction. Nothing is changed.

    Args:
        migration: what is to be run; None: only the state of the database is looked at.
        phases: those of it that are to be run; None: all.
        target: the database, where it is known already.

    Raises NotFound for the environment, Conflict where it has no database, Invalid for a phase that there is not. A
    database that does not answer is no error: its checks say so.
    """
    row = environments.get(environment)
    found = target or connect(environment)
    run = _phases(migration, phases)
    begin = time.monotonic()
    facts, sizes = _asked(found, run)
    seconds = time.monotonic() - begin
    needs = Needs(sum((phase.estimate for phase in run), timedelta()), sizes, _expected(migration, run))
    backup = selectors.last_backup(row.pk, row.key)
    waivers = selectors.waivers(row.pk, now=now)
    checks = domain.judge(facts, needs, backup, now=now, protected=row.protected, waivers=waivers)
    about = (migration.number if migration else "", tuple(phase.name for phase in run))
    return Readiness(row.key, found.name, facts.server, now, seconds, checks, sizes, *about)


def lately(environment: str, *, now: datetime) -> Readiness:
    """As `look` without a migration, from the last minute: for whoever asks often. Raises what that raises."""
    kept = _LATELY.get(environment)
    if kept is None or not timedelta(0) <= now - kept.at < LATELY:
        kept = _LATELY[environment] = look(environment, now=now)
    return kept


@transaction.atomic
def waive(environment: str, check: str, reason: str, hours: int, actor: Actor, now: datetime) -> ReadinessWaiver:
    """Let a check pass for some hours, whatever it says then. It takes the place of one that holds already.

    Raises Refused for `ping` and `primary` and for anybody but a person, Invalid without a reason or for other than 1
    to 24 hours.
    """
    _need_person(actor, "waives a check")
    name = domain.need_waivable(check, hours)
    reason = need_reason(reason)
    row = environments.get(environment)
    ReadinessWaiver.objects.filter(environment=row.pk, check_name=name, expires_at__gt=now).update(expires_at=now)
    until = now + timedelta(hours=hours)
    made = ReadinessWaiver.objects.create(
        environment=row, check_name=name.value, by=actor.name, reason=reason, at=now, expires_at=until
    )
    _tell("readiness.waived", made, actor=actor, reason=reason, now=now)
    return made


@transaction.atomic
def waive_all(
    environment: str, checks: Sequence[str], reason: str, hours: int, actor: Actor, now: datetime
) -> list[ReadinessWaiver]:
    """Several at once, all of them or none. Raises what `waive` raises."""
    return [waive(environment, check, reason, hours, actor, now) for check in dict.fromkeys(checks)]


@transaction.atomic
def withdraw_waiver(waiver_id: int, reason: str, actor: Actor, now: datetime) -> ReadinessWaiver:
    """End a waiver before its time. Raises NotFound, and Conflict for one that holds no more."""
    reason, row = check_text(reason), selectors.waiver(waiver_id)
    live = ReadinessWaiver.objects.filter(
        environment=row.environment_id, check_name=row.check_name, expires_at__gt=now
    )  # all of them: what holds must end, also where two people waived at once
    if row.expires_at <= now or not live.update(expires_at=now):
        raise Conflict("It does not hold any more.")
    row.expires_at = now
    _tell("readiness.waiver_withdrawn", row, actor=actor, reason=reason, now=now)
    return row


def _asked(target: Target, phases: Sequence[Phase]) -> tuple[Facts, Estimates]:
    try:
        facts = asking.ask(target)
    except Unreachable as error:
        reason = str(error).rstrip(" .")
        silent = dict.fromkeys(Asked, "the database does not answer")
        return Facts(reasons={**silent, Asked.PING: reason}), Estimates(why="the database does not answer")
    return facts, asking.estimates(target, phases)


def _phases(migration: Migration | None, names: Sequence[PhaseName | str] | None) -> tuple[Phase, ...]:
    if migration is None:
        return ()
    return migration.phases if names is None else tuple(migration.phase(name) for name in names)


def _expected(migration: Migration | None, run: Sequence[Phase]) -> tuple[str, ...]:
    """Indexes that earlier phases have made, and those that are to be dropped."""
    if migration is None or not run:
        return ()
    before = migration.phases[: migration.phases.index(run[0])]
    expected: list[EnsureIndex | DropIndex] = []
    expected += [each for phase in before for each in phase.operations if isinstance(each, EnsureIndex)]
    expected += [each for phase in run for each in phase.operations if isinstance(each, DropIndex)]
    return tuple(f"{each.index} on {each.collection}" for each in expected)


def _need_person(actor: Actor, does: str) -> None:
    if actor.kind is not ActorKind.PERSON:
        raise Refused(f"Only a person {does}.")


def _tell(kind: str, row: ReadinessWaiver, *, actor: Actor, reason: str, now: datetime) -> None:
    events.record(
        kind,
        subject=f"readiness:{row.environment.key}",
        actor=actor,
        now=now,
        environment_id=row.environment_id,
        reason=reason,
        data={"check": row.check_name, "waiver": row.pk, "until": row.expires_at.isoformat()},
    )
