"""People take an incident along: acknowledge it, say how far it is, and who does what."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction

from core import people
from core.actors import Actor
from core.errors import Conflict, Invalid
from core.texts import check_text
from incidents import selectors
from incidents.domain.states import IncidentState, Role
from incidents.models import Incident
from incidents.services import levelling, paging, vouching, watching_closely
from incidents.services.locking import hold, hold_in_place, move, need_live, need_open, picture, save

S = IncidentState
NAMED = {S.RESOLVED: "resolved"}


@transaction.atomic
def acknowledge(number: int, *, actor: Actor, now: datetime) -> Incident:
    """Somebody looks after it: it does not escalate any more. Raises Conflict when somebody does already."""
    row = hold(number)
    need_open(row, "acknowledged")
    if row.acknowledged_at is not None:
        raise Conflict(f"{row.acknowledged_by} has acknowledged incident {number} already.")
    before = picture(row)
    row.acknowledged_at, row.acknowledged_by, row.escalate_at = now, actor.name, None
    save(row, "acknowledged", before, actor=actor, reason="", now=now)
    paging.acknowledge(row, actor=actor, now=now)
    return row


@transaction.atomic
def set_state(
    number: int, state: IncidentState, *, reason: str = "", actor: Actor, now: datetime, version: int | None = None
) -> Incident:
    """Say how far it is. Resolved means that users have what they had before; investigating after that opens it again.

    Raises IllegalMove where the table has no such move, Invalid for what is done by other commands.
    """
    if state in (S.MERGED, S.POST_MORTEM):
        raise Invalid(f"It becomes {state.replace('_', ' ')} by a command of its own.", field="state")
    reason = check_text(reason)
    row = hold_in_place(number, version=version)
    if state is S.INVESTIGATING and not row.is_open:
        reopen(row, why=reason or "It is not over.", actor=actor, now=now)
    else:
        change_state(row, state, why=reason, actor=actor, now=now)
    return row


def change_state(row: Incident, state: IncidentState, *, why: str, actor: Actor, now: datetime) -> None:
    """Move a locked incident, with its times. Mitigated is when users are no longer harmed: monitoring, or resolved."""
    before, was_open = picture(row), row.is_open
    move(row, state)
    if state in (S.MONITORING, S.RESOLVED):
        row.mitigated_at = row.mitigated_at or now
    elif row.is_open:
        row.mitigated_at = None
    if state is S.RESOLVED:
        row.resolved_at = now
    if state is S.CLOSED:
        row.closed_at = now
    if was_open and not row.is_open:
        row.escalate_at = None
    save(row, NAMED.get(state, "state_changed"), before, actor=actor, reason=why, now=now)
    if was_open and not row.is_open:
        watching_closely.end(row)
        paging.stop(row, actor=actor, now=now)


def reopen(row: Incident, *, why: str, actor: Actor, now: datetime) -> None:
    """A locked incident is not over. The caller holds the configuration of its environment.

    It gathers again unless another one does by now. Somebody has to acknowledge it anew.
    """
    before = picture(row)
    move(row, S.INVESTIGATING)
    row.gathers = selectors.gathering(row.environment_id) is None
    row.mitigated_at = row.resolved_at = row.acknowledged_at = None
    row.acknowledged_by, row.accepted, row.confirmed = "", 0, False
    vouching.vouch(row, actor)
    known = selectors.policies()
    levelling.begin(row, known, now=now)
    save(row, "reopened", before, actor=actor, reason=why, now=now)
    paging.start(row, known[levelling.read(row.level)].chain, actor=actor, now=now)


@transaction.atomic
def assign(
    number: int, given: Mapping[Role, str], *, actor: Actor, now: datetime, version: int | None = None
) -> Incident:
    """Give roles to people who can sign in; an empty name takes one away. Nothing is told when nothing differs."""
    row = hold(number, version=version)
    need_live(row, "changed")
    wanted = {role: name.strip() for role, name in given.items() if getattr(row, role.value) != name.strip()}
    for role, name in wanted.items():
        if name and not people.signs_in(name):
            raise Invalid(f"Nobody called {name} can sign in.", field=role.value)
    if not wanted:
        return row
    before = picture(row)
    for role, name in wanted.items():
        setattr(row, role.value, name)
    why = " ".join(f"{role.value.capitalize()}: {name or 'nobody'}." for role, name in wanted.items())
    data = {"roles": {role.value: name for role, name in wanted.items()}}
    save(row, "role_assigned", before, actor=actor, reason=why, now=now, data=data)
    return row
