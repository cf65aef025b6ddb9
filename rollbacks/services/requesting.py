"""A rollback is asked for, and planned anew when what there is has moved. Nothing is changed by that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

import alerting.selectors
import flags.selectors
import monitoring.selectors
from core import environments
from core.actors import CLOCK, Actor
from core.errors import Conflict, DomainError, Invalid
from core.texts import check_text, need_reason
from flags.services.emergency import new_id
from flags.services.locking import lock_configuration
from rollbacks import selectors
from rollbacks.adapters.kubectl import connect as kubectl
from rollbacks.adapters.ports import Connect
from rollbacks.domain.deciding import EXPIRES_AFTER
from rollbacks.domain.revision import Choice, Offer
from rollbacks.domain.states import Component, RollbackState
from rollbacks.models import Rollback
from rollbacks.services import planning
from rollbacks.services.locking import close, picture, save
from rollbacks.services.planning import Planned, Seen, Wanted

REASON = "Say why: whoever confirms this has to know."
MOST_EVIDENCE = 5000


def request(
    environment: str,
    component: str,
    *,
    flag: str = "",
    revision: int | None = None,
    reason: str,
    evidence: str = "",
    actor: Actor,
    now: datetime,
    connect: Connect = kubectl,
) -> Rollback:
    """Ask for a rollback; another person has an hour to confirm it.

    Args:
        component: feature, application, database or all.
        flag: the key of the feature's flag; of the other components none.
        revision: the number of the revision that the application goes back to, if not the one that is proposed. It is
            kept by its pod template.
        evidence: what was seen, in words. What has fired in the environment is kept with it.

    Raises Invalid and NotFound for what there is not, without a reason, and when there is nothing to take back;
    Conflict when the same is asked for already.
    """
    wanted = _wanted(environment, component, flag, revision)
    told = {
        "reason": need_reason(reason, REASON),
        "evidence": check_text(evidence, field="evidence", longest=MOST_EVIDENCE),
    }
    return _open(wanted, planning.see(wanted, connect), **told, actor=actor, now=now)


@dataclass(frozen=True, slots=True)
class Preview:
    """What a request would plan now, or None and then why it would be refused. `offers`: revisions to choose from."""

    planned: Planned | None
    obstacle: str = ""
    offers: Sequence[Offer] = ()


def preview(
    environment: str, component: str, *, flag: str = "", revision: int | None = None, connect: Connect = kubectl
) -> Preview:
    """What a request would come to. Nothing is raised: the obstacle says why it would be refused."""
    seen = Seen()
    try:
        wanted = _wanted(environment, component, flag, revision)
        seen = planning.see(wanted, connect)
        return Preview(planning.make(wanted, seen), offers=seen.offers)
    except DomainError as error:
        return Preview(None, str(error), seen.offers)


def revisions(environment: str, *, connect: Connect = kubectl) -> list[Offer]:
    """What the application there could go back to, newest first; Invalid or Conflict where that cannot be told."""
    return planning.offers(environments.get(environment), connect)


def wanted_of(row: Rollback) -> Wanted:
    choice = Choice(**row.chosen) if row.chosen else None
    return Wanted(row.environment, Component(row.component), row.flag.key if row.flag else "", choice)


def lay_again(row: Rollback, seen: Seen, *, actor: Actor, now: datetime) -> str:
    """Plan a locked request anew when what there is has moved: what has, in a sentence; empty when nothing has.

    When there is nothing left to take back, it is closed.
    """
    wanted, before = wanted_of(row), picture(row)
    try:
        planned = planning.make(wanted, seen)
    except DomainError as nothing:
        what = "This cannot be done as asked any more" if wanted.choice else "There is nothing left to take back"
        why = f"{what}: {nothing}"
        close(row, RollbackState.REFUSED, actor=CLOCK, reason=why, now=now)
        save(row, "rollback.refused", before, actor=CLOCK, reason=why, now=now)
        return why
    if planning.digest_of(wanted, planned, reason=row.reason, evidence=row.evidence) == row.digest:
        return ""
    moved = _moved(row.plan, planned.plan.as_dict())
    _lay(row, planned)
    row.replanned = moved
    save(row, "rollback.replanned", before, actor=actor, reason=moved, now=now)
    return moved


@transaction.atomic
def _open(wanted: Wanted, seen: Seen, *, reason: str, evidence: str, actor: Actor, now: datetime) -> Rollback:
    where = wanted.environment
    lock_configuration(where.key)
    planned = planning.make(wanted, seen)
    same = selectors.twin(where.pk, wanted.component, wanted.flag)
    if same is not None and now < same.expires_at:
        raise Conflict(f"The same is asked for already, by {same.requested_by}: rollback {same.public_id}.")
    row = Rollback(
        public_id=new_id(now),
        environment=where,
        component=wanted.component.value,
        flag=flags.selectors.state(wanted.flag, where.key).flag if wanted.flag else None,
        chosen=_kept(seen) if wanted.choice else {},
        reason=reason,
        evidence={"told": evidence, "fired": _fired(where.key)},
        contributors=flags.selectors.people_behind(actor, where.key),
        requested_by=actor.name,
        requested_by_kind=actor.kind.value,
        requested_at=now,
        expires_at=now + EXPIRES_AFTER,
    )
    _lay(row, planned)
    data = {"severity": "high", "evidence": {"told": evidence, "risk": row.risk}}
    save(row, "rollback.requested", {}, actor=actor, reason=reason, now=now, data=data)
    return row


def _wanted(environment: str, component: str, flag: str, revision: int | None) -> Wanted:
    where, kind = environments.get(environment), planning.read_component(component)
    if flag and kind is not Component.FEATURE:
        raise Invalid(f"Only the rollback of a feature names a flag, not that of {kind.value}.", field="flag")
    if revision is not None and kind not in (Component.APPLICATION, Component.ALL):
        raise Invalid(f"A revision is of the application; the rollback of a {kind.value} has none.", field="revision")
    return Wanted(where, kind, flag, None if revision is None else Choice(revision))


def _kept(seen: Seen) -> dict[str, Any]:
    """A choice as the row keeps it: by the pod template that has the number now."""
    part = seen.part or {}
    return {field: part[f"target_{field}"] for field in ("template", "image")} | {"number": part["target_revision"]}


def _lay(row: Rollback, planned: Planned) -> None:
    row.plan = planned.plan.as_dict()
    row.risk, row.risk_reasons = planned.danger.level.value, list(planned.danger.reasons)
    row.estimate = int(planned.estimate.total_seconds())
    row.digest = planning.digest_of(wanted_of(row), planned, reason=row.reason, evidence=row.evidence)


def _fired(environment: str) -> list[str]:
    """What stands against the environment now, in words."""
    triggers = [f"Trigger {row.name} has fired" for row in monitoring.selectors.latched(environment)[:20]]
    alerts = alerting.selectors.firing(environment).values_list("name", "severity")[:20]
    return [*triggers, *(f"Alert {name} fires ({severity})" for name, severity in alerts)]


def _moved(old: dict[str, Any], new: dict[str, Any]) -> str:
    """What is in one plan and not in the other, in words."""
    before, after = ([line for step in each["steps"] for line in step["lines"]] for each in (old, new))
    gone = [line for line in before if line not in after]
    come = [line for line in after if line not in before]
    told = [f"No longer: {'; '.join(gone)}." if gone else "", f"Now: {'; '.join(come)}." if come else ""]
    return " ".join(part for part in told if part) or "What it works by has changed underneath."
