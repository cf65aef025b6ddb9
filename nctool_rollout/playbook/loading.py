"""Bring an installation to a playbook, in one transaction, and never over what people changed since."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import connection, transaction

from core import environments, events
from core.actors import Actor
from core.errors import DomainError
from flags.domain.bucketing import Bucketing
from flags.domain.change import StateChange
from flags.services import allow_list, registry, rollout
from flags.services.locking import lock_configuration
from monitoring.services import triggers
from nctool_rollout.playbook import standing, wanted
from nctool_rollout.playbook.model import Playbook
from nctool_rollout.playbook.plan import MISSING, WRITES, Decision, Outcome, plan, remembered
from nctool_rollout.playbook.problems import Path, PlaybookError, Problem
from nctool_rollout.playbook.source import Source
from nctool_rollout.playbook.wanted import Item
from rollouts.domain.template import RampStepSpec
from rollouts.services import templates

LOCK = 7_205_932  # of PostgreSQL, for loads alone


@dataclass(frozen=True, slots=True)
class _Load:
    """Who loads what, and when."""

    by_item: dict[Item, Decision]
    actor: Actor
    reason: str
    now: datetime

    @property
    def who(self) -> dict[str, Any]:
        return {"actor": self.actor, "reason": self.reason, "now": self.now}

    def writes(self, *start: str) -> dict[Item, Decision]:
        """What has to be written below this path."""
        return {
            item: decision
            for item, decision in self.by_item.items()
            if item[: len(start)] == start and decision.outcome in WRITES
        }

    def keys(self, *start: str) -> Iterable[str]:
        """The next part of each path that goes on below this one, in the order of the file."""
        found = (item[len(start)] for item in self.by_item if item[: len(start)] == start)
        return list(dict.fromkeys(found))

    def value(self, *item: str) -> Any:
        """The item as it will be."""
        decision = self.by_item[item]
        return decision.wanted if decision.outcome in (*WRITES, Outcome.SAME) else decision.current


def preview(playbook: Playbook, source: Source, *, file: str) -> list[Decision]:
    """What a load would do now. Reads only. Raises PlaybookError when it would be refused."""
    decisions = plan(wanted.items(playbook), standing.items(), standing.last_set(), blocked=standing.hands_off())
    frozen = [
        Problem(
            source.line(path),
            path,
            f"The flag has {decision.current}; another bucketing would move users. Make a new flag instead.",
        )
        for decision in decisions
        if decision.item[::2] == ("flags", "bucketing") and decision.outcome in (Outcome.KEEP, Outcome.CHANGE)
        for path in [("deploymentConfig", "features", decision.item[1], "bucketing")]
    ]
    if frozen:
        raise PlaybookError(frozen, file=file)
    return decisions


@transaction.atomic
def load(
    playbook: Playbook, source: Source, *, actor: Actor, now: datetime, file: str, if_empty: bool = False
) -> list[Decision] | None:
    """Load it; what was decided for each item. Loaded a second time it writes nothing, not even an event.

    Args:
        if_empty: load only an installation that has neither environments nor flags; otherwise None.

    Raises PlaybookError, with the line, when a service refuses a part: then nothing of the file is loaded.
    """
    _wait_for_other_loads()
    if if_empty and not standing.is_empty():
        return None
    for environment in environments.ordered():
        lock_configuration(environment.key)
    decisions = preview(playbook, source, file=file)
    reason = f"playbook {playbook.name} {playbook.deployment_config.version}"
    work = _Load({decision.item: decision for decision in decisions}, actor, reason, now)
    for part in (_environments, _flags, _states, _ramps, _triggers):
        part(work, source, file)
    _remember(playbook, decisions, work)
    return decisions


def _wait_for_other_loads() -> None:
    """SQLite has one writer at a time anyway."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])


def _remember(playbook: Playbook, decisions: list[Decision], work: _Load) -> None:
    before = standing.last_set()
    now_set, said = remembered(decisions, before), standing.last_document(playbook.name)
    document = wanted.document(playbook)
    if now_set == before and document == said:
        return
    kept = [list(decision.item) for decision in decisions if decision.outcome is Outcome.KEEP]
    data = {"set": now_set, "kept": kept}
    events.record(
        standing.LOADED, subject=f"playbook:{playbook.name}", before=said, after=document, data=data, **work.who
    )


def _environments(work: _Load, source: Source, file: str) -> None:
    for key in work.keys("environments"):
        values = {item[2]: decision.wanted for item, decision in work.writes("environments", key).items()}
        if values:
            with _Refusals(source, file, ("environments", key)):
                environments.define(key, values, **work.who)


def _flags(work: _Load, source: Source, file: str) -> None:
    """Also gives every flag its state in environments that are new."""
    for key in work.keys("flags"):
        if work.by_item["flags", key, "bucketing"].outcome is Outcome.GONE:
            continue
        with _Refusals(source, file, ("deploymentConfig", "features", key)):
            registry.define(
                key,
                name=work.value("flags", key, "name"),
                description=work.value("flags", key, "description"),
                bucketing=Bucketing(work.by_item["flags", key, "bucketing"].wanted),
                group=work.value("flags", key, "group"),
                value_type=work.value("flags", key, "value_type"),
                variants=work.value("flags", key, "variants"),
                parameter_schema=work.value("flags", key, "parameter_schema"),
                **work.who,
            )


def _states(work: _Load, source: Source, file: str) -> None:
    for environment in work.keys("states"):
        for flag in work.keys("states", environment):
            writes = work.writes("states", environment, flag)
            with _Refusals(source, file, ("deploymentConfig", "features", flag)):
                _rollout(work, environment, flag, writes)
                _allow_list(work, environment, flag, writes)


def _rollout(work: _Load, environment: str, flag: str, writes: dict[Item, Decision]) -> None:
    where = ("states", environment, flag)
    start = writes.get((*where, "rollout"))
    changed = [item for item in writes if item[3] == "parameters"]
    if start is None and not changed:
        return
    names = work.keys(*where, "parameters")
    values = {name: work.value(*where, "parameters", name) for name in names}
    change = StateChange(
        enabled=start.wanted["enabled"] if start else None,
        percentage=Decimal(str(start.wanted["percentage"])) if start else None,
        parameters={name: value for name, value in values.items() if value is not MISSING} if changed else None,
    )
    rollout.change(flag, environment, change, **work.who)


def _allow_list(work: _Load, environment: str, flag: str, writes: dict[Item, Decision]) -> None:
    decision = writes.get(("states", environment, flag, "allowedUsers"))
    if decision is None:
        return
    current = [] if decision.current is MISSING else decision.current
    add = [npub for npub in decision.wanted if npub not in set(current)]
    remove = [npub for npub in current if npub not in set(decision.wanted)]
    allow_list.edit_allow_list(flag, environment, add=add, remove=remove, **work.who)


def _ramps(work: _Load, source: Source, file: str) -> None:
    for (_, key), decision in work.writes("ramps").items():
        value = decision.wanted
        steps = [RampStepSpec.from_dict(step) for step in value["steps"]]
        with _Refusals(source, file, ("ramps", key)):
            templates.define(key, name=value["name"], flag_key=value["flag"], steps=steps, **work.who)


def _triggers(work: _Load, source: Source, file: str) -> None:
    for (_, environment, key), decision in work.writes("triggers").items():
        with _Refusals(source, file, ("triggers", key)):
            triggers.define(key, environment, decision.wanted, **work.who)


class _Refusals:
    """Tells a refusal of a service with the line of the part it is about."""

    def __init__(self, source: Source, file: str, path: Path) -> None:
        self.source, self.file, self.path = source, file, path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, DomainError):
            problem = Problem(self.source.line(self.path), self.path, str(error))
            raise PlaybookError([problem], file=self.file) from error
