"""Bring an installation to a playbook, in one transaction, and never over what people changed since."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from django.db import connection, transaction

from alerting.domain.states import Origin
from alerting.services import rules
from core import environments, events, freezing
from core.actors import Actor
from flags.domain.bucketing import Bucketing
from flags.domain.change import StateChange
from flags.services import approval_rules, lists, registry, rollout
from flags.services.locking import lock_configuration
from incidents.services import policies
from kpis.services import registry as kpi_registry
from monitoring.services import catalogue, sources, triggers
from nctool_rollout.playbook import improving, oncall, standing, wanted
from nctool_rollout.playbook.loading_told import TOLD
from nctool_rollout.playbook.model import Playbook
from nctool_rollout.playbook.plan import MISSING, Decision, Outcome, plan, remembered
from nctool_rollout.playbook.problems import PlaybookError, Problem
from nctool_rollout.playbook.source import Source
from nctool_rollout.playbook.wanted import Item, rule_from
from nctool_rollout.playbook.work import Load
from plans.services import templates as plan_templates
from risk.services import register
from rollbacks.services import applications
from rollouts.domain.template import RampStepSpec
from rollouts.services import levels, templates

LOCK = 7_205_932  # of PostgreSQL, for loads alone


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
    playbook: Playbook,
    source: Source,
    *,
    actor: Actor,
    now: datetime,
    file: str,
    if_empty: bool = False,
    request: bool = False,
) -> list[Decision] | None:
    """Load it; what was decided for each item. Loaded a second time it writes nothing, not even an event.

    Args:
        if_empty: load only an installation that has neither environments nor flags; otherwise None.
        request: where a part needs approval, load the rest and open a change request for it.

    Raises PlaybookError, with the line, when a service refuses a part: then nothing of the file is loaded.
    """
    _wait_for_other_loads()
    if if_empty and not standing.is_empty():
        return None
    for environment in environments.ordered():
        lock_configuration(environment.key)
    decisions = preview(playbook, source, file=file)
    reason = f"playbook {playbook.name} {playbook.deployment_config.version}"
    work = Load({decision.item: decision for decision in decisions}, source, file, actor, reason, now)
    for part in PARTS:
        part(work)
    if not request:
        work.refuse_asked()
    decisions = _asked(decisions, work.ask())
    _remember(playbook, decisions, work)
    return decisions


def _wait_for_other_loads() -> None:
    """SQLite has one writer at a time anyway."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])


def _remember(playbook: Playbook, decisions: list[Decision], work: Load) -> None:
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


def _asked(decisions: list[Decision], numbers: dict[Item, int]) -> list[Decision]:
    """The decisions, with those that wait for a request told as such."""
    return [
        replace(decision, outcome=Outcome.ASK, why=f"asked for by request {numbers[decision.item]}")
        if decision.item in numbers
        else decision
        for decision in decisions
    ]


def _environments(work: Load) -> None:
    for key in work.keys("environments"):
        values = {item[2]: decision.wanted for item, decision in work.writes("environments", key).items()}
        if values:
            with work.part("environments", key):
                environments.define(key, values, **work.who)


def _flags(work: Load) -> None:
    """Also gives every flag its state in environments that are new."""
    for key in work.keys("flags"):
        if work.by_item["flags", key, "bucketing"].outcome is Outcome.GONE:
            continue
        with work.part("deploymentConfig", "features", key, items=work.writes("flags", key)):
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


def _states(work: Load) -> None:
    for environment in work.keys("states"):
        for flag in work.keys("states", environment):
            writes = work.writes("states", environment, flag)
            _rollout(work, environment, flag, writes)
            _allow_list(work, environment, flag, writes)


def _rollout(work: Load, environment: str, flag: str, writes: dict[Item, Decision]) -> None:
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
    items = [item for item in writes if item[3] != "allowedUsers"]
    with work.part(*work.place(environment, flag), items=items):
        rollout.change(flag, environment, change, **work.who)


def _allow_list(work: Load, environment: str, flag: str, writes: dict[Item, Decision]) -> None:
    decision = writes.get(("states", environment, flag, "allowedUsers"))
    if decision is None:
        return
    current = [] if decision.current is MISSING else decision.current
    add = [npub for npub in decision.wanted if npub not in set(current)]
    remove = [npub for npub in current if npub not in set(decision.wanted)]
    with work.part(*work.place(environment, flag), items=[decision.item]):
        lists.edit_allow_list(flag, environment, add=add, remove=remove, **work.who)


def _levels(work: Load) -> None:
    for (_, key), decision in work.writes("monitoringLevels").items():
        with work.part("monitoringLevels", key):
            levels.define(key, decision.wanted, **work.who)


def _ramps(work: Load) -> None:
    for (_, key), decision in work.writes("ramps").items():
        value = decision.wanted
        steps = [RampStepSpec.from_dict(step) for step in value["steps"]]
        with work.part("ramps", key):
            told = {"name": value["name"], "flag_key": value["flag"], "hours": value["hours"]}
            templates.define(key, steps=steps, **told, **work.who)


def _triggers(work: Load) -> None:
    for (_, environment, key), decision in work.writes("triggers").items():
        with work.part("triggers", key):
            triggers.define(key, environment, decision.wanted, **work.who)


def _metrics(work: Load) -> None:
    for (_, key), decision in work.writes("metrics").items():
        with work.part("metrics", key):
            catalogue.define(key, decision.wanted, **work.who)


def _kpis(work: Load) -> None:
    for (_, key), decision in work.writes("kpis").items():
        with work.part("kpis", key):
            kpi_registry.define(key, decision.wanted, **work.who)


def _sources(work: Load) -> None:
    for (_, environment, key), decision in work.writes("sources").items():
        with work.part("sources", key):
            sources.define(key, environment, decision.wanted, **work.who)


def _alerts(work: Load) -> None:
    for (_, environment, group, name), decision in work.writes("alerts").items():
        with work.part("alerts"):
            rules.define(environment, group, name, decision.wanted, origin=Origin.PLAYBOOK, **work.who)


def _plans(work: Load) -> None:
    for (_, key), decision in work.writes("plans").items():
        with work.part("plans", key):
            plan_templates.define(key, decision.wanted, **work.who)


def _incidents(work: Load) -> None:
    for (_, key), decision in work.writes("incidents").items():
        with work.part("incidents", key):
            policies.define(key, decision.wanted, **work.who)


def _applications(work: Load) -> None:
    for (_, environment), decision in work.writes("applications").items():
        with work.part("applications", environment):
            applications.define(environment, decision.wanted, **work.who)


def _approvals(work: Load) -> None:
    """Last, so that what this file does is judged by the rules that held before it."""
    for environment in work.keys("approvals"):
        writes = work.writes("approvals", environment)
        if not writes:
            continue
        values = {kind: work.value("approvals", environment, kind) for kind in work.keys("approvals", environment)}
        rules = {kind: rule_from(value) for kind, value in values.items() if value is not MISSING}
        with work.part("approvals", environment, items=writes):
            approval_rules.define(environment, rules, **work.who)


def _risks(work: Load) -> None:
    for (_, key), decision in work.writes("risks").items():
        with work.part("risks", key):
            register.define(key, decision.wanted, **work.who)


def _freezes(work: Load) -> None:
    for (_, key), decision in work.writes("freezes").items():
        with work.part("freezes", key):
            freezing.define(key, freezing.planned(decision.wanted), **work.who)


# In this order: what refers to another part comes after it.
PARTS = (
    _environments,
    _flags,
    _states,
    _metrics,
    _kpis,
    _sources,
    _triggers,
    _alerts,
    _levels,
    _ramps,
    _plans,
    _incidents,
    _applications,
    *TOLD,
    _approvals,
    _freezes,
    _risks,
    oncall.load_schedules,
    oncall.load_chains,
    improving.load,
)
