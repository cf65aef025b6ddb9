"""People say what an incident is about, and that two of them are one."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from core import events
from core.actors import Actor
from core.errors import Conflict, Invalid
from core.texts import is_storable, need_reason
from incidents.domain.states import IncidentState
from incidents.models import Followed, Incident, Link
from incidents.services import paging, watching_closely
from incidents.services.locking import hold, hold_in_place, move, need_live, picture, save, tell

NOUNS = ("flag", "rollback", "migration", "alert", "trigger", "ramp", "request", "incident")


@transaction.atomic
def link(number: int, subject: str, *, actor: Actor, now: datetime) -> Incident:
    """Link something by the subject of its events (`flag:atomicMeltOperations`, `ramp:7`). Twice is once.

    Raises Invalid for what no event has ever told of.
    """
    noun, _, key = subject.strip().partition(":")
    if noun not in NOUNS or not key or len(subject) > 160 or not is_storable(key):
        raise Invalid(
            f"Write what it is and its key, like flag:atomicMeltOperations: {', '.join(NOUNS)}.", field="subject"
        )
    if not events.about(f"{noun}:{key}").exists():
        raise Invalid(f"There is no {noun} {key}: no event tells of it.", field="subject")
    row = hold(number)
    need_live(row, "changed")
    _, fresh = Link.objects.get_or_create(
        incident=row, subject=f"{noun}:{key}", defaults={"first_at": now, "last_at": now, "by": actor.name}
    )
    if fresh:
        data = {"subjects": [f"{noun}:{key}"], "count": 1}
        tell(row, "linked", actor=actor, reason=f"Linked: {noun}:{key}.", now=now, data=data)
    return row


@transaction.atomic
def merge(number: int, into: int, *, reason: str, actor: Actor, now: datetime) -> Incident:
    """`number` is the same as `into`, which goes on with its links, facts and begin; the other one.

    Raises Conflict unless both are open in one environment.
    """
    reason = need_reason(reason, "Say why the two are one.")
    if number == into:
        raise Invalid("An incident cannot be merged into itself.", field="into")
    hold_in_place(min(number, into))
    found = {pk: hold(pk) for pk in sorted((number, into))}
    row, target = found[number], found[into]
    if row.environment_id != target.environment_id:
        raise Conflict(f"Incident {into} is in {target.environment}, this one in {row.environment}.")
    if not row.is_open or not target.is_open:
        raise Conflict("Only an open incident is merged, and into an open one.")
    before, gathered = picture(row), row.gathers
    move(row, IncidentState.MERGED)
    row.merged_into, row.closed_at, row.escalate_at, row.gathers = target, now, None, False
    save(row, "merged", before, actor=actor, reason=reason, now=now, data={"into": target.pk})
    watching_closely.end(row)
    paging.stop(row, actor=actor, now=now)
    _take_over(row, target, gathered=gathered, actor=actor, now=now)
    return target


def _take_over(row: Incident, target: Incident, *, gathered: bool, actor: Actor, now: datetime) -> None:
    known = set(target.links.values_list("subject", flat=True))
    row.links.exclude(subject__in=known).update(incident=target)
    Followed.objects.filter(incident=row).update(incident=target)
    target.facts = [*target.facts, *(fact for fact in row.facts if fact not in target.facts)]
    target.began_at = min(target.began_at, row.began_at)
    target.gathers = target.gathers or gathered
    target.vouchers = list(dict.fromkeys([*target.vouchers, *row.vouchers]))
    target.version += 1
    target.save()
    Link.objects.get_or_create(
        incident=target, subject=f"incident:{row.pk}", defaults={"first_at": now, "last_at": now, "by": actor.name}
    )
    data = {"subjects": [f"incident:{row.pk}"], "count": 1}
    tell(target, "linked", actor=actor, reason=f"Incident {row.pk} is the same: {row.title}.", now=now, data=data)
